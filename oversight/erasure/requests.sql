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
