-- Queries for pending work and for cleaning up.

-- name: count_settled
select count_settled(%(most)s::int) as is_locked;

-- name: delete_old_attempts
select delete_old_attempts(%(days)s) as number;

-- name: held_labels
-- Whether the image of a held label is known; with the same conditions as find_applicable in label_rows.sql.
select 1 as found from held_label h
join image_allocation a on a.sop_instance_uid = h.sop_instance_uid and (a.frame = h.frame or h.frame is null)
where (h.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = h.sop_instance_uid and b.frame = 2))
    and (h.path is null or right('/' || a.key, length(h.path) + 1) = '/' || h.path)
limit 1;
