-- Queries for stalled items.

-- name: stalled_items
-- Kinds. waiting: never claimed. retry: fails again and again. lost: its lease expired and nothing sent it again.
-- long: still being worked on.
select function, kind, count(*) as items, max(age) as oldest_seconds,
    mode() within group (order by cause) as cause
from (
    select function, cause,
        case when attempts = 0 then 'waiting'
             when state = 'retry' then 'retry'
             when lease_until < now() then 'lost'
             else 'long' end as kind,
        extract(epoch from now() - case when state = 'retry' then first_seen_at else started_at end)::float8 as age
    from ledger_item where state in ('running', 'retry') and counted_as is null
) item
where age >= %(seconds)s
group by function, kind order by function, kind;

-- name: last_active
-- Reads only rows that are not in the totals yet; otherwise it would read every item ever settled.
select function, extract(epoch from now() - max(coalesce(settled_at, started_at)))::float8 as seconds
from ledger_item where counted_as is null and (settled_at is not null or state = 'running') group by function;
