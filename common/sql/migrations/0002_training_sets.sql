-- Training sets: what was frozen under which number, and where each patient was put.

create table training_set_version (
    id         bigint generated always as identity primary key,
    name       text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    number     int not null check (number > 0),
    query      text not null,
    options    jsonb not null,
    digest     text not null,
    counts     jsonb not null,
    created_at timestamptz not null,
    unique (name, number)
);
comment on table training_set_version is 'Frozen versions of training sets; their files lie in the bucket training-sets.';
comment on column training_set_version.id is 'Number over all sets.';
comment on column training_set_version.name is 'Name of the set.';
comment on column training_set_version.number is 'Version, from 1.';
comment on column training_set_version.query is 'The whole selection, with what goes without saying.';
comment on column training_set_version.options is 'What it was asked for: selection, labels, rule, splits, seed.';
comment on column training_set_version.digest is 'SHA-256 of all that is frozen but number and time, in hex.';
comment on column training_set_version.counts is 'Images, patients and studies, in all and of each split, and what was left out.';
comment on column training_set_version.created_at is 'When it was frozen; the only time in its files.';

create table training_set_patient (
    version_id bigint not null references training_set_version,
    patient_id text not null,
    split      text not null check (split in ('train', 'validation', 'test')),
    primary key (patient_id, version_id)
);
comment on table training_set_patient is 'The patients in each version; their split is the same in all versions of a name.';
comment on column training_set_patient.version_id is 'The version.';
comment on column training_set_patient.patient_id is 'The pseudonym; it stays after an erasure, as the frozen files do.';
comment on column training_set_patient.split is 'Where all images of the patient are.';
