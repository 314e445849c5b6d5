-- Queries of those who carry out the erasures that were asked for.

-- name: due
-- A request that is running is due as well, because only the one who has the lock carries out any: that one was killed.
select id from erasure_request where withdrawn_at is null and (state = 'running' or state = 'waiting' and case
    when attempts = 0 then asked_at <= now() - %(undo)s * interval '1 second'
    else tried_at <= now() - %(pause)s * interval '1 second' end)
order by tried_at nulls first, id;

-- name: begin
-- Nothing is begun that was withdrawn just now.
update erasure_request set state = 'running', attempts = attempts + 1, tried_at = now(), cause = null
where id = %(id)s and withdrawn_at is null and state in ('waiting', 'running')
returning id, patient_id, via, who, why, asked_at, withdrawn_at, withdrawn_by, state, attempts, finished_at, outcome, cause;

-- name: end
update erasure_request set state = %(state)s, outcome = %(outcome)s, cause = %(cause)s,
    finished_at = case when %(state)s::text in ('done', 'failed') then now() end
where id = %(id)s;

-- name: ask
-- If it is asked for already, the open request is carried out.
insert into erasure_request (patient_id, via, who, why) values (%(patient)s, 'shell', %(who)s, %(why)s)
on conflict (patient_id) where state in ('waiting', 'running') and withdrawn_at is null
    do update set patient_id = excluded.patient_id
returning id;

-- name: try_lock
-- The lock ends with the transaction, so that it also works behind a pooler in transaction mode.
select pg_try_advisory_xact_lock(hashtext('dcm2set erase')) as is_mine;

-- name: lock
select pg_advisory_xact_lock(hashtext('dcm2set erase'));
