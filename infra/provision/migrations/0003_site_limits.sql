-- Limits of the score that were calibrated with a site's own decided pictures.

create table site_limits (
    id            bigint generated always as identity primary key,
    modality      text not null,
    model_version text not null,
    review_from   double precision check (review_from > 0),
    reject_from   double precision check (reject_from >= review_from),
    patients      int not null,
    why           text not null,
    decided_by    text not null,
    decided_at    timestamptz not null default now(),
    check ((review_from is null) = (reject_from is null))
);
comment on table site_limits is 'Limits by modality that persons calibrated with their verdicts; the newest of a modality and model is valid.';
comment on column site_limits.id is 'Number of the decision; the greatest of a modality and model is its newest.';
comment on column site_limits.modality is '(0008,0060) Modality.';
comment on column site_limits.model_version is 'Version of the model whose scores they limit; another model''s scores are others.';
comment on column site_limits.review_from is 'Score from which an image is in review; null: the limits were forgotten, and those of the model are valid.';
comment on column site_limits.reject_from is 'Score from which an image is of low quality; over 1: none is. Null as review_from.';
comment on column site_limits.patients is 'Number of patients with good pictures that the limits were computed from.';
comment on column site_limits.why is 'Why, in the words of the person who decided.';
comment on column site_limits.decided_by is 'Who decided.';
comment on column site_limits.decided_at is 'When it was decided.';
create index site_limits_newest on site_limits (modality, model_version, id);
