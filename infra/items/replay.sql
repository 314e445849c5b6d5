-- Items to put back, by name.

-- name: choose
select id, function, state, bucket, key, etag, moved_to_bucket, moved_to_key from ledger_item
where (%(items)s::bigint[] is null or id = any(%(items)s))
    and (%(function)s::text is null or function = %(function)s)
    and (%(state)s::text is null or state = %(state)s)
    and (%(cause)s::text is null or cause = %(cause)s)
    and (%(device)s::text is null or device = %(device)s)
    and state in ('done', 'held', 'quarantined')
order by id;

-- name: choose_older_recipe
-- Of each instance the raw object that brought it first; its duplicates write nothing.
select l.id, l.function, l.state, l.bucket, l.key, l.etag, l.moved_to_bucket, l.moved_to_key
from extraction e join ledger_item l on l.id = e.item_id
where e.recipe_version < %(version)s and l.state = 'done'
order by l.id;

-- name: reopen
update ledger_item
set state = 'retry', due_at = now(), crashes = 0, cause = null, next_step = null, outcome = null,
    etag = %(etag)s, settled_at = null
where id = %(id)s and not pending_delete;

-- name: forget_followers
-- What was made of an instance before: its rows stay as history, but no longer stand for the versions
-- they name, or a picture drawn again to what it once was would pass for known.
update ledger_item set etag = etag || ' until ' || now()::text
where function in ('store_metadata', 'quality') and state = 'done'
    and sop_instance_uid = (select sop_instance_uid from ledger_item where id = %(id)s and function = 'extract');

-- name: release
update ledger_item set releases = releases + 1, released_by = %(who)s, released_why = %(why)s, released_at = now()
where id = %(id)s;
