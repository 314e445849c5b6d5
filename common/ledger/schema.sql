-- Views of the ledger.

-- Rows that settled_total does not include yet are counted, and the totals are added.
create view ledger_state as
with counted as (
    select function, case when attempts = 0 then 'waiting' else state end as state, count(*) as number,
        min(first_seen_at) filter (where state in ('running', 'retry')) as oldest
    from ledger_item where counted_as is null group by 1, 2
    union all
    select subject, 'done', sum(number), null from settled_total
    where subject not in ('file', 'image') group by subject
)
select function,
    coalesce(sum(number) filter (where state = 'waiting'), 0)::bigint as waiting,
    coalesce(sum(number) filter (where state = 'running'), 0)::bigint as running,
    coalesce(sum(number) filter (where state = 'retry'), 0)::bigint as retry,
    coalesce(sum(number) filter (where state = 'held'), 0)::bigint as held,
    coalesce(sum(number) filter (where state = 'refused'), 0)::bigint as refused,
    coalesce(sum(number) filter (where state = 'quarantined'), 0)::bigint as quarantined,
    coalesce(sum(number) filter (where state = 'done'), 0)::bigint as done,
    extract(epoch from now() - min(oldest)) as oldest_seconds
from counted group by function;
comment on view ledger_state is 'Number of items of each function by state, and the age of the oldest unsettled item.';
