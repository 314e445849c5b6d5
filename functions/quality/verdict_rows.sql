-- Queries for the rows of verdicts.

-- name: find_image
select a.bucket, e.modality, (
    select o.verdict from overruling o
    where o.sop_instance_uid = a.sop_instance_uid and o.frame = a.frame order by o.id desc limit 1) as overruled,
    s.review_from, s.reject_from
from image_allocation a join extraction e using (sop_instance_uid)
left join lateral (
    select review_from, reject_from from site_limits
    where modality = e.modality and model_version = %(model_version)s order by id desc limit 1) s on true
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s
    and allocated_bucket = %(bucket)s and key = %(key)s;

-- name: record
record_verdict(%(uid)s, %(frame)s, %(bucket)s, %(verdict)s, %(by_model)s, %(score)s, %(threshold)s, %(mean_grey)s,
    %(features)s, %(reasons)s, %(confidence)s, %(model_version)s, %(picture_hash)s, %(review_from)s)
