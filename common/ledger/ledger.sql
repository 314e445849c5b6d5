-- The ledger's queries, by name.

-- name: claim
-- One statement, so that of two workers with the same event exactly one gets a row.
insert into ledger_item as item (function, bucket, key, etag, size, state, lease, worker, lease_until)
values (%(function)s, %(bucket)s, %(key)s, %(etag)s, %(size)s, 'running', %(lease)s, %(worker)s,
        now() + make_interval(secs => %(seconds)s))
on conflict (function, bucket, key, etag) do update
set state = 'running', attempts = item.attempts + 1,
    crashes = item.crashes + (item.state = 'running')::int,
    lease = excluded.lease, lease_until = excluded.lease_until, worker = excluded.worker,
    due_at = null, started_at = now(), settled_at = null
where item.state = 'retry' or (item.state = 'running' and (item.lease_until < now()
    or item.lease_until > now() + make_interval(secs => %(longest)s)))
returning id, attempts, crashes, releases, source, blank;

-- name: claim_due
-- The item that has been due longest; a worker that claims at the same moment gets the next one.
update ledger_item item
set state = 'running', attempts = attempts + 1, lease = %(lease)s, worker = %(worker)s,
    lease_until = now() + make_interval(secs => %(seconds)s), due_at = null, started_at = now(), settled_at = null
where id = (
    select id from ledger_item
    where function = %(function)s and counted_as is null and state = 'retry' and due_at <= now()
    order by due_at limit 1 for update skip locked)
returning id, attempts, crashes, releases, source, blank, bucket, key, etag, size;

-- name: claim_expired
-- An item whose lease ran out. If a lease or a wait ends later than any can, the clock was moved back in the
-- meantime; then the item is claimed at once. The order is that of the index: a planner that expects many such items
-- would read the table from its beginning instead. A coalesce outside of a select would not be compared with the
-- primary key, because of the row policies.
update ledger_item item
set state = 'running', attempts = attempts + 1, crashes = crashes + (state = 'running')::int,
    lease = %(lease)s, worker = %(worker)s, lease_until = now() + make_interval(secs => %(seconds)s),
    due_at = null, started_at = now(), settled_at = null
where id = (select coalesce((
    select id from ledger_item
    where function = %(function)s and counted_as is null and state = 'running'
        and (lease_until < now() or lease_until > now() + make_interval(secs => %(longest)s))
    order by due_at, lease_until limit 1 for update skip locked), (
    select id from ledger_item
    where function = %(function)s and counted_as is null and state = 'retry'
        and due_at > now() + make_interval(secs => %(longest)s)
    order by due_at limit 1 for update skip locked)))
returning id, attempts, crashes, releases, source, blank, bucket, key, etag, size;

-- name: announce_one
-- An announcement is not an attempt. A file that a user puts is due before what functions announce: it must not wait
-- until a large folder of the NAS is through.
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
values (%(function)s, %(bucket)s, %(key)s, %(etag)s, %(size)s, 'retry', 0, now() - interval '30 days')
on conflict do nothing;

-- name: find
select id, state, outcome, cause, moved_to_bucket, moved_to_key, source from ledger_item
where function = %(function)s and bucket = %(bucket)s and key = %(key)s
    and (etag = %(etag)s or %(etag)s::text is null)
order by id desc limit 1;

-- name: renew
update ledger_item set lease_until = now() + make_interval(secs => %(seconds)s)
where id = %(id)s and lease = %(lease)s and state = 'running';

-- name: leased
-- A worker that lost its lease records and announces nothing.
select from ledger_item where id = %(id)s and lease = %(lease)s and state = 'running' for update

-- name: settle
-- The parts that record and announce are put in front as a WITH clause.
update ledger_item
set state = %(state)s, outcome = %(outcome)s, cause = %(cause)s, next_step = %(next_step)s,
    sop_instance_uid = coalesce(%(sop_instance_uid)s, sop_instance_uid),
    patient_id = coalesce(%(patient_id)s, patient_id), device = coalesce(%(device)s, device),
    text_finding = %(text_finding)s, text_boxes = %(text_boxes)s::jsonb,
    moved_to_bucket = %(moved_to_bucket)s, moved_to_key = %(moved_to_key)s, pending_delete = %(pending_delete)s,
    lease = null, lease_until = null, due_at = null, crashes = 0, settled_at = now()
where id = %(id)s and lease = %(lease)s and state = 'running'

-- name: mark_deleted
update ledger_item set pending_delete = false where id = %(id)s and pending_delete;

-- name: pending_deletes
select id, bucket, key, etag, moved_to_bucket, moved_to_key from ledger_item
where function = %(function)s and pending_delete limit %(limit)s;

-- name: announce
-- The objects are due at once, because their events may be lost. This is part of the settling statement, so
-- that the next functions have an item for every output of a settled item.
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
select function, bucket, key, etag, size, 'retry', 0, now()
from leased, unnest(%(functions)s::text[], %(buckets)s::text[], %(keys)s::text[], %(etags)s::text[], %(sizes)s::bigint[])
    as made (function, bucket, key, etag, size)
on conflict do nothing

-- name: schedule_retry
update ledger_item
set state = 'retry', cause = %(cause)s, lease = null, lease_until = null,
    crashes = case when %(crashed)s then crashes + 1 else 0 end,
    due_at = now() + make_interval(secs => %(seconds)s)
where id = %(id)s and lease = %(lease)s and state = 'running';

-- name: uncount_crash
-- A worker finished after its lease had run out, because it or the clock was stopped. It was counted as a crash.
update ledger_item set crashes = crashes - 1
where id = %(id)s and lease is distinct from %(lease)s and state in ('running', 'retry') and crashes > 0;

-- name: has_due
-- Whether an item is due, its lease ran out, or a deletion is pending. Sweep runs it all the time, so each part
-- uses an index. The first and the last time are its ends; for `exists` a planner that expects many items reads the
-- table instead, all of it where there are none.
select 1 as found
where (
    select min(due_at) from ledger_item
    where function = %(function)s and counted_as is null and state = 'retry') <= now()
or (
    select max(due_at) from ledger_item
    where function = %(function)s and counted_as is null and state = 'retry') > now() + make_interval(secs => %(longest)s)
or exists (
    select from ledger_item
    where function = %(function)s and counted_as is null and state = 'running'
        and (lease_until < now() or lease_until > now() + make_interval(secs => %(longest)s)))
or exists (select from ledger_item where function = %(function)s and pending_delete);

-- name: unsettled
select bucket, key, etag from ledger_item
where function = %(function)s and counted_as is null and state in ('running', 'retry')
    and bucket = any(%(buckets)s) and key = any(%(keys)s);
