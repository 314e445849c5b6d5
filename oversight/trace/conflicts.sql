-- Queries of the conflicts in a trace.

-- name: conflicts
-- Of the items, of the instance, and of its study and series.
select c.* from item_conflict c
where c.withdrawn_at is null and (c.item_id = any(%(items)s::bigint[]) or c.sop_instance_uid = %(uid)s or exists (
    select from image_allocation a where a.sop_instance_uid = %(uid)s and a.frame = 1 and (
        (split_part(a.key, '/', 2) = c.study_instance_uid and split_part(a.key, '/', 1) <> c.patient_id)
        or (split_part(a.key, '/', 3) = c.series_instance_uid and split_part(a.key, '/', 2) <> c.study_instance_uid))))
order by c.item_id;

-- name: facts
select id as item, concat(state, ' (' || outcome || ')') as state, source, size, first_seen_at
from ledger_item where id = any(%(items)s::bigint[]) order by id;

-- name: resolutions
select id, item_id, kept, others, why, decided_by, decided_at, finished_at from resolution
where item_id = any(%(items)s::bigint[]) or others && %(items)s::bigint[] order by id;

-- name: contradicted
-- The extracted instances that a file contradicts: its own of other content, and those of its study or series under
-- another parent. An instance without a key is just being extracted.
with parent as (
    select p.parent || '/' || p.uid || '/' as prefix from known_parent p
    where p.uid = %(study_instance_uid)s and p.parent <> %(patient_id)s
    union
    select s.parent || '/' || s.uid || '/' || p.uid || '/' from known_parent p join known_parent s on s.uid = p.parent
    where p.uid = %(series_instance_uid)s and p.parent <> %(study_instance_uid)s
)
select e.sop_instance_uid, e.item_id, e.content_digest, a.key
from extraction e left join image_allocation a on a.sop_instance_uid = e.sop_instance_uid and a.frame = 1
where e.sop_instance_uid in (
    select o.sop_instance_uid from extraction o
    where o.sop_instance_uid = %(sop_instance_uid)s and o.content_digest <> %(content_digest)s
    union
    select o.sop_instance_uid from parent p join image_allocation o on starts_with(o.key, p.prefix))
order by e.item_id;
