-- Queries of quarantined items.

-- name: groups
select function, cause, next_step, count(*) as items, min(settled_at) as oldest, max(attempts) as attempts
from ledger_item where state = 'quarantined'
group by function, cause, next_step order by items desc, function, cause limit 100;

-- name: listed
-- No path and no key of raw: these may identify a patient.
select id, function, cause, next_step, attempts, device, settled_at, source from ledger_item
where state = 'quarantined' and id > %(after)s
    and (%(function)s::text is null or function = %(function)s) and (%(cause)s::text is null or cause = %(cause)s)
order by id limit %(most)s;
