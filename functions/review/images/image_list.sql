-- Queries of listed images.

-- name: every
-- As the balance counts frames: those of instances that are complete.
select a.sop_instance_uid as uid, a.frame, v.verdict, a.allocated_bucket as bucket
from image_allocation a
join extraction e on e.sop_instance_uid = a.sop_instance_uid and e.completed_at is not null
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where (a.sop_instance_uid, a.frame) > (%(uid)s, %(frame)s)
order by a.sop_instance_uid, a.frame limit %(most)s;

-- name: of_bucket
-- At most as many as fit into a bucket.
select a.sop_instance_uid as uid, a.frame, v.verdict, a.allocated_bucket as bucket
from image_allocation a left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where a.allocated_bucket = %(bucket)s and (a.sop_instance_uid, a.frame) > (%(uid)s, %(frame)s)
order by a.sop_instance_uid, a.frame limit %(most)s;

-- name: waiting
select sop_instance_uid as uid, frame, null as verdict, allocated_bucket as bucket from image_state
where counted_images is null and waiting and (sop_instance_uid, frame) > (%(uid)s, %(frame)s)
order by sop_instance_uid, frame limit %(most)s;
