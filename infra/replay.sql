-- Items to put back, by name.

-- name: choose
select id, function, state, bucket, key, etag, moved_to_bucket, moved_to_key from ledger_item
where (%(items)s::bigint[] is null or id = any(%(items)s))
    and (%(function)s::text is null or function = %(function)s)
    and (%(state)s::text is null or state = %(state)s)
    and (%(cause)s::text is null or cause = %(cause)s)
    and state in ('done', 'held', 'quarantined')
order by id;

-- name: reopen
update ledger_item
set state = 'retry', due_at = now(), crashes = 0, cause = null, next_step = null, outcome = null,
    etag = %(etag)s, settled_at = null
where id = %(id)s;

-- name: release
update ledger_item set released_by = %(who)s, released_why = %(why)s, released_at = now()
where id = %(id)s;
