-- Queries of held items. A decision that can still be undone leaves the item held, and hides it.

-- name: listed
select l.id, l.cause, l.device, l.settled_at as held_since, l.size, l.releases, l.blank, l.text_finding, l.text_boxes, l.etag,
    coalesce(l.moved_to_bucket, l.bucket) as bucket, coalesce(l.moved_to_key, l.key) as key,
    (select max(s.folder_id) from source_file s where l.bucket = 'raw' and s.raw_key = l.key) as folder
from ledger_item l
where l.function = 'extract' and l.state = 'held' and l.id > %(after)s
    and (%(cause)s::text is null or l.cause = %(cause)s) and (%(device)s::text is null or l.device = %(device)s)
    and not exists (select from pending_decision p where p.item_id = l.id)
order by l.id limit %(most)s;

-- name: one
select l.id, l.cause, l.device, l.settled_at as held_since, l.size, l.releases, l.blank, l.text_finding, l.text_boxes, l.etag,
    coalesce(l.moved_to_bucket, l.bucket) as bucket, coalesce(l.moved_to_key, l.key) as key,
    (select max(s.folder_id) from source_file s where l.bucket = 'raw' and s.raw_key = l.key) as folder
from ledger_item l
where l.id = %(id)s and l.function = 'extract' and l.state = 'held'
    and not exists (select from pending_decision p where p.item_id = l.id);

-- name: groups
select cause, device, count(*) as items, min(settled_at) as oldest from ledger_item l
where function = 'extract' and state = 'held' and not exists (select from pending_decision p where p.item_id = l.id)
group by cause, device order by items desc, cause, device limit 100;

-- name: number
select count(*) as number from (
    select from ledger_item l
    where function = 'extract' and state = 'held'
        and (%(cause)s::text is null or cause = %(cause)s) and (%(device)s::text is null or device = %(device)s)
        and not exists (select from pending_decision p where p.item_id = l.id)
    limit 1000) counted;

-- name: previous
select l.id from ledger_item l
where l.function = 'extract' and l.state = 'held' and l.id < %(before)s
    and (%(cause)s::text is null or l.cause = %(cause)s) and (%(device)s::text is null or l.device = %(device)s)
    and not exists (select from pending_decision p where p.item_id = l.id)
order by l.id desc limit 1;

-- name: decisions_of
select item_id, decision, decided_at, jsonb_array_length(blank) as rectangles from pending_decision
where who = %(who)s order by decided_at desc, item_id desc limit 20;

-- name: last_reason
select why from audit_event
where who = %(who)s and action in ('decide release', 'decide refuse') order by id desc limit 1;

-- name: unseen
select l.id from ledger_item l where l.id = any(%(items)s::bigint[]) and not exists (
    select from audit_event a
    where a.item_id = l.id and a.who = %(who)s and a.action in ('view held picture', 'view contact sheet')
        and a.at >= l.settled_at);
