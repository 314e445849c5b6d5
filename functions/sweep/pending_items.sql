-- What is pending, by name.

-- name: unchecked_images
-- One completed at a moment yet to come was completed before the clock was moved back.
select a.home_bucket as bucket, a.key
from image_allocation a
join extraction e on e.sop_instance_uid = a.sop_instance_uid
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where v.verdict is null
    and not e.completed_at between now() - make_interval(secs => %(seconds)s)
        and now() + make_interval(secs => %(seconds)s)
    and not exists (
        select from ledger_item l
        where l.function = 'quality' and l.bucket = a.home_bucket and l.key = a.key
    )
order by a.allocated_at limit %(limit)s;

-- name: held_labels
select 1 as found from label l
join image_allocation a on a.key = l.image or l.image = 's3://' || a.home_bucket || '/' || a.key
where l.sop_instance_uid is null limit 1;
