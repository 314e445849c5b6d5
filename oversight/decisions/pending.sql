-- Queries of decisions that can still be undone.

-- name: decide
-- The row is locked, so that two persons can't decide about it at the same moment.
insert into pending_decision (item_id, decision, blank, who, why)
select id, %(decision)s, %(blank)s, %(who)s, %(why)s from ledger_item
where id = %(id)s and function = 'extract' and state = 'held' and settled_at = %(held_since)s
for no key update
on conflict (item_id) do nothing;

-- name: undo
delete from pending_decision where item_id = %(id)s and who = %(who)s;

-- name: due
select item_id, decision, blank, who, why from pending_decision
where decided_at <= now() - %(seconds)s * interval '1 second' order by decided_at, item_id limit 500;

-- name: delete
delete from pending_decision where item_id = %(id)s;

-- name: decided_by
select coalesce(p.who, r.decided_by, case when l.state <> 'held' then l.released_by end) as who,
    coalesce(p.decision, r.decision, 'release') as decision
from ledger_item l left join pending_decision p on p.item_id = l.id
left join lateral (
    select f.decided_by, f.decision from refusal f where f.item_id = l.id and l.state = 'refused' order by f.id desc limit 1
) r on true
where l.id = %(id)s;
