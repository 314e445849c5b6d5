-- Queries of the overview. None of them counts settled rows: totals are in settled_total.

-- name: balance
select * from balance;

-- name: functions
select *, quarantined + held + retry as failures from ledger_state order by failures desc, function;

-- name: arrivals
-- Files found on the NAS, for each hour of the last day.
select h.hour, coalesce(a.files, 0) as files
from generate_series(date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()), interval '1 hour') as h (hour)
left join arrival_hour a using (hour) order by h.hour;

-- name: aside
select function, state, cause, count(*) as items, min(settled_at) as oldest from ledger_item
where state in ('held', 'refused', 'quarantined') and counted_as is null
group by function, state, cause order by items desc limit 50;

-- name: buckets
select bucket, allocated, capacity, created_at from image_bucket order by created_at desc, bucket desc limit 10;
