-- Parts of the query of listed items. Each state has the condition of an index. No path and no key of raw.

-- name: listed
select id, function, case when state = 'retry' and attempts = 0 then 'waiting' else state end as state, outcome, attempts,
    cause, source, first_seen_at, settled_at, due_at from ledger_item where function = %(function)s

-- name: done
    and state = 'done'

-- name: held
    and state = 'held'

-- name: refused
    and state = 'refused'

-- name: quarantined
    and state = 'quarantined'

-- name: waiting
    and state = 'retry' and attempts = 0 and counted_as is null

-- name: retry
    and state = 'retry' and attempts > 0 and counted_as is null

-- name: running
    and state = 'running' and counted_as is null

-- name: unsettled
    and state in ('running', 'retry') and counted_as is null

-- name: cause
    and cause = %(cause)s

-- name: beyond_up
    and id > %(beyond)s

-- name: beyond_down
    and -id > -%(beyond)s

-- name: up
order by id limit %(most)s

-- name: down
-- The order of the indexes ledger_item_done.
order by -id limit %(most)s
