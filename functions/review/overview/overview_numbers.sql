-- Queries of the overview. None of them counts settled rows: totals are in settled_total.

-- name: balance
select * from balance;

-- name: functions
select *, quarantined + held + retry as failures from ledger_state order by failures desc, function;

-- name: arrivals
-- Files found on the NAS by hour, of the last day; the newest rows only, by their numbers.
select date_trunc('hour', found_at) as hour, count(*) as files
from (select found_at from source_file order by id desc limit 100000) newest
where found_at > now() - interval '24 hours' group by 1 order by 1;

-- name: aside
select function, state, cause, count(*) as items, min(settled_at) as oldest from ledger_item
where state in ('held', 'refused', 'quarantined') and counted_as is null
group by function, state, cause order by items desc limit 50;

-- name: buckets
select bucket, allocated, capacity, created_at from image_bucket order by created_at desc, bucket desc limit 10;
