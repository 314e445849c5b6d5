-- Erasures that are asked for on the page or in the shell. Whoever has the operator's keys carries them out.

create table erasure_request (
    id           bigint generated always as identity primary key,
    patient_id   text not null check (patient_id ~ '^P[0-9a-f]{20}$'),
    via          text not null default 'page' check (via in ('page', 'shell')),
    who          text not null,
    why          text not null,
    asked_at     timestamptz not null default now(),
    withdrawn_at timestamptz,
    withdrawn_by text,
    state        text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    attempts     int not null default 0,
    tried_at     timestamptz,
    finished_at  timestamptz,
    outcome      jsonb,
    cause        text,
    constraint begun_or_withdrawn check (withdrawn_at is null or attempts = 0)
);
comment on table erasure_request is 'Erasures of patients that were asked for, and what came of them; rows stay, as those of erased_patient do.';
comment on column erasure_request.id is 'Number of the request.';
comment on column erasure_request.patient_id is 'Pseudonym of the patient.';
comment on column erasure_request.via is 'page or shell.';
comment on column erasure_request.who is 'Name of the user who asked for it.';
comment on column erasure_request.why is 'Why, in the words of that person.';
comment on column erasure_request.asked_at is 'When it was asked for.';
comment on column erasure_request.withdrawn_at is 'When it was withdrawn; what was begun can''t be withdrawn.';
comment on column erasure_request.withdrawn_by is 'Name of the user who withdrew it.';
comment on column erasure_request.state is 'waiting; running; done; failed: an unexpected error, which is not tried again.';
comment on column erasure_request.attempts is 'Number of attempts, counted when they begin.';
comment on column erasure_request.tried_at is 'When the last attempt began.';
comment on column erasure_request.finished_at is 'When it was done, or failed.';
comment on column erasure_request.outcome is 'What was found and what is left: numbers by bucket and table, names of sets and backups; no UID.';
comment on column erasure_request.cause is 'Why it is tried again, or failed.';
create unique index erasure_request_open on erasure_request (patient_id)
    where state in ('waiting', 'running') and withdrawn_at is null;
