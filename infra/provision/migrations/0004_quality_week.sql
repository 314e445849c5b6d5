-- Sums of verdicts by week, so that drift is seen without reading the verdicts again.

create table quality_week (
    week          date not null,
    modality      text not null,
    device        text not null,
    model_version text not null,
    patients      int not null,
    good          int not null,
    review        int not null,
    black         int not null,
    low_quality   int not null,
    scores        jsonb not null,
    features      jsonb not null,
    counted_at    timestamptz not null default now(),
    primary key (week, modality, device, model_version)
);
comment on table quality_week is 'Verdicts of the models, not of persons, by the week of the check, modality, device and model; written by count_quality_weeks().';
comment on column quality_week.week is 'The Monday that begins the week, UTC.';
comment on column quality_week.modality is '(0008,0060) Modality; empty if unknown.';
comment on column quality_week.device is 'Manufacturer and model name; empty if unknown.';
comment on column quality_week.model_version is 'Version of the quality model.';
comment on column quality_week.patients is 'Number of different patients.';
comment on column quality_week.good is 'Number of images that the model called good.';
comment on column quality_week.review is 'Number of images that the model left to a person.';
comment on column quality_week.black is 'Number of black images.';
comment on column quality_week.low_quality is 'Number of images that the model called low_quality.';
comment on column quality_week.scores is 'Numbers of images that are not black by bin: bin 1 to 28 are half units of the logit of the score from -7 on, 0 and 29 beyond.';
comment on column quality_week.features is 'Percentiles 10, 50 and 90 of each feature, of at most 100 of these images.';
comment on column quality_week.counted_at is 'When it was counted.';
create index verdict_checked on verdict using brin (checked_at);
