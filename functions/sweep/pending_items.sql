-- What is pending, by name.

-- name: count_settled
select count_settled(%(most)s::int) as mine;

-- name: delete_old_attempts
select delete_old_attempts(%(days)s) as number;

-- name: held_labels
-- Whether a held row's image is there; the same conditions as where they are applied.
select 1 as found from held_label h
join image_allocation a on a.sop_instance_uid = h.sop_instance_uid and (a.frame = h.frame or h.frame is null)
where (h.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = h.sop_instance_uid and b.frame = 2))
    and (position('/' in h.name) = 0 or right('/' || a.key, length(h.name) + 1) = '/' || h.name
        or right('/' || h.name, length(a.key) + 1) = '/' || a.key
        or h.name = h.sop_instance_uid || '/' || h.frame)
limit 1;
