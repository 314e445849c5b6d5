-- What is pending, by name.

-- name: unchecked_images
-- Of instances that are not summed up: those with all their verdicts soon are.
-- One completed at a moment yet to come was completed before the clock was moved back.
select a.home_bucket as bucket, a.key
from extraction e
join image_allocation a on a.sop_instance_uid = e.sop_instance_uid
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where e.counted_images is null and v.verdict is null
    and not e.completed_at between now() - make_interval(secs => %(seconds)s)
        and now() + make_interval(secs => %(seconds)s)
    and not exists (
        select from ledger_item l
        where l.function = 'quality' and l.bucket = a.home_bucket and l.key = a.key
    )
order by a.allocated_at limit %(limit)s;

-- name: count_settled
select count_settled(%(most)s::int) as mine;

-- name: forget_attempts
select forget_attempts(%(days)s) as number;

-- name: leaving_images
-- Set aside, and their homes not seen empty since.
select 1 as found from image_allocation a join verdict v using (sop_instance_uid, frame)
where a.bucket = 'suboptimal' and a.left_home_at is null
    and v.checked_at < now() - make_interval(secs => %(seconds)s) limit 1;

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
