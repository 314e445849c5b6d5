-- Queries of the requests to erase a patient.

-- name: ask
insert into erasure_request (patient_id, who, why) values (%(patient)s, %(who)s, %(why)s)
on conflict (patient_id) where state in ('waiting', 'running') and withdrawn_at is null do nothing
returning id;

-- name: withdraw
-- What was begun can't be withdrawn: files of the patient are refused already.
update erasure_request set withdrawn_at = now(), withdrawn_by = %(who)s
where id = %(id)s and state = 'waiting' and attempts = 0 and withdrawn_at is null;

-- name: listed
select id, patient_id, via, who, why, asked_at, withdrawn_at, withdrawn_by, state, attempts, finished_at, outcome, cause
from erasure_request where %(before)s::bigint is null or id < %(before)s order by id desc limit %(most)s;

-- name: unfinished
select count(*) filter (where state in ('waiting', 'running')) as waiting,
    count(*) filter (where state = 'failed' or jsonb_array_length(outcome -> 'locked') > 0
        or jsonb_array_length(outcome -> 'copied_elsewhere') > 0) as wrong
from (select distinct on (patient_id) state, outcome from erasure_request
    where withdrawn_at is null order by patient_id, id desc) newest;
