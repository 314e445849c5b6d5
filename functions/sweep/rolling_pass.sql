-- Queries for the gauges of reconcile.

-- name: findings_by_kind
select k.kind, count(f.id) as number
from unnest(array['missing', 'surplus', 'changed', 'damaged', 'hidden', 'row']) as k (kind)
left join reconcile_finding f on f.kind = k.kind and f.confirmed_at is not null and f.forgotten_at is null
group by k.kind order by k.kind;

-- name: rolling_state
-- Until the first pass is complete, the time since it began.
select extract(epoch from now() - coalesce(max(started_at) filter (where ended_at is not null), min(started_at)))::float8
    as age_seconds
from reconcile_pass;
