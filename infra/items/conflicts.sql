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
