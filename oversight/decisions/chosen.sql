-- Queries of the items that a person means.

-- name: states
select id, state from ledger_item where id = any(%(items)s::bigint[]);
