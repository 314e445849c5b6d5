-- Queries of replay and release.

-- name: choose
select id, function, state, outcome, bucket, key, etag, moved_to_bucket, moved_to_key from ledger_item
where (%(items)s::bigint[] is null or id = any(%(items)s))
    and (%(function)s::text is null or function = %(function)s)
    and (%(state)s::text is null or state = %(state)s)
    and (%(cause)s::text is null or cause = %(cause)s)
    and (%(device)s::text is null or device = %(device)s)
    and (not %(nothing_found)s or text_finding = 'nothing')
    -- A refused item is only found if it is asked for, so that nothing puts it back by the way.
    and (state in ('done', 'held', 'quarantined') or state = 'refused' and %(state)s = 'refused')
order by id;

-- name: choose_older_recipe
-- Only the raw object from which each instance was extracted; its duplicates write nothing.
select l.id, l.function, l.state, l.outcome, l.bucket, l.key, l.etag, l.moved_to_bucket, l.moved_to_key
from extraction e join ledger_item l on l.id = e.item_id
where e.recipe_version < %(version)s and l.state = 'done'
order by l.id;

-- name: reopen
-- An object that was moved has to be moved back first; the item is due in a minute if that is interrupted.
update ledger_item
set state = 'retry', due_at = now() + make_interval(mins => (moved_to_key is not null)::int), crashes = 0, cause = null, next_step = null, outcome = null,
    etag = %(etag)s, settled_at = null
where id = %(id)s and state = %(state)s and not pending_delete;

-- name: lock
select from ledger_item where id = %(id)s and state = 'retry' for update;

-- name: state
select state from ledger_item where id = %(id)s;

-- name: make_due
update ledger_item set due_at = now() where id = %(id)s and state = 'retry';

-- name: outdate_later_items
-- The later items of the instance stay as history, but no longer match the versions of their objects.
-- Otherwise an image that is rendered again with the same content would count as settled already.
update ledger_item set etag = etag || ' until ' || now()::text
where function in ('store_metadata', 'quality') and state = 'done'
    and sop_instance_uid = (select sop_instance_uid from ledger_item where id = %(id)s and function = 'extract');

-- name: refuse
with changed as (
    update ledger_item set state = 'refused' where id = %(id)s and state = 'held' and function = 'extract' returning id
), decided as (
    delete from pending_decision where item_id = %(id)s
)
insert into refusal (item_id, decision, why, decided_by) select id, 'refused', %(why)s, %(who)s from changed;

-- name: undo_refusal
with changed as (
    update ledger_item set state = 'held' where id = %(id)s and state = 'refused' returning id
)
insert into refusal (item_id, decision, why, decided_by) select id, 'undone', %(why)s, %(who)s from changed;

-- name: extracted_before
select count(*) as number from extraction where item_id = any(%(items)s::bigint[]) and completed_at is not null;

-- name: release
-- Rectangles of an earlier release stay, unless new ones replace them.
with decided as (
    delete from pending_decision where item_id = %(id)s
)
update ledger_item
set releases = releases + 1, released_by = %(who)s, released_why = %(why)s, released_at = now(),
    blank = coalesce(%(blank)s::jsonb, blank)
where id = %(id)s;
