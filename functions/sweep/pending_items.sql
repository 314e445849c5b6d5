-- What is pending, by name.

-- name: unchecked_images
-- Of instances that are not summed up: those with all their verdicts soon are.
select a.home_bucket as bucket, a.key
from extraction e
join image_allocation a on a.sop_instance_uid = e.sop_instance_uid
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where e.counted_images is null and v.verdict is null and e.completed_at < now() - make_interval(secs => %(seconds)s)
    and not exists (
        select from ledger_item l
        where l.function = 'quality' and l.bucket = a.home_bucket and l.key = a.key
    )
order by a.allocated_at limit %(limit)s;

-- name: count_settled
select count_settled(%(most)s::int) as mine;

-- name: forget_attempts
select forget_attempts(%(days)s) as number;

-- name: held_labels
select 1 as found from label l
join image_allocation a on a.key = l.image or l.image = 's3://' || a.home_bucket || '/' || a.key
where l.sop_instance_uid is null limit 1;
