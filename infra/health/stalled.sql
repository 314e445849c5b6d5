-- What waits longer than it should, by name.

-- name: stalled_items
-- waiting: nobody has had time for it; retry: fails again and again; lost: its worker is gone and nobody sent it again; long: still worked on.
select function, kind, count(*) as items, max(age) as oldest_seconds,
    mode() within group (order by cause) as cause
from (
    select function, cause,
        case when attempts = 0 then 'waiting' when state = 'retry' then 'retry' when lease_until < now() then 'lost' else 'long' end as kind,
        extract(epoch from now() - case when state = 'retry' then first_seen_at else started_at end)::float8 as age
    from ledger_item where state in ('running', 'retry') and counted_as is null
) item
where age >= %(seconds)s
group by function, kind order by function, kind;

-- name: last_moved
-- Of what is not summed up yet, or this would cost all that ever passed.
select function, extract(epoch from now() - max(coalesce(settled_at, started_at)))::float8 as seconds
from ledger_item where counted_as is null and (settled_at is not null or state = 'running') group by function;
