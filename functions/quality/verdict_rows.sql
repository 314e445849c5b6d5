-- Verdict rows, by name.

-- name: standing
select a.bucket, e.modality, (
    select o.verdict from overruling o
    where o.sop_instance_uid = a.sop_instance_uid and o.frame = a.frame order by o.id desc limit 1) as overruled
from image_allocation a join extraction e using (sop_instance_uid)
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s
    and home_bucket = %(bucket)s and key = %(key)s;

-- name: record
record_verdict(%(uid)s, %(frame)s, %(bucket)s, %(verdict)s, %(by_model)s, %(score)s, %(threshold)s, %(mean_grey)s,
    %(features)s, %(reasons)s, %(confidence)s, %(model_version)s, %(picture_hash)s)

-- name: leaving
select home_bucket as bucket, key from image_allocation
where bucket = 'suboptimal' and left_home_at is null order by sop_instance_uid, frame limit %(limit)s;

-- name: left
update image_allocation a set left_home_at = now()
from unnest(%(buckets)s::text[], %(keys)s::text[]) as o (bucket, key)
where a.key = o.key and a.home_bucket = o.bucket and a.bucket = 'suboptimal';
