-- Verdict rows, by name.

-- name: standing
select a.bucket, e.modality, (
    select o.verdict from overruling o
    where o.sop_instance_uid = a.sop_instance_uid and o.frame = a.frame order by o.id desc limit 1) as overruled
from image_allocation a join extraction e using (sop_instance_uid)
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s
    and home_bucket = %(bucket)s and key = %(key)s;

-- name: record
-- The verdict, and where the image lies by it; an image drawn again leaves its home anew.
with judged as (
    insert into verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features, reasons,
        confidence, model_version, picture_hash)
    values (%(sop_instance_uid)s, %(frame)s, %(verdict)s, %(by_model)s, %(score)s, %(threshold)s, %(mean_grey)s,
        %(features)s, %(reasons)s, %(confidence)s, %(model_version)s, %(picture_hash)s)
    on conflict (sop_instance_uid, frame) do update
    set verdict = excluded.verdict, by_model = excluded.by_model, score = excluded.score,
        threshold = excluded.threshold, mean_grey = excluded.mean_grey, features = excluded.features,
        reasons = excluded.reasons, confidence = excluded.confidence, model_version = excluded.model_version,
        picture_hash = excluded.picture_hash, checked_at = now()
)
update image_allocation set bucket = %(bucket)s, left_home_at = null
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s
    and (bucket <> %(bucket)s or left_home_at is not null);

-- name: leaving
select home_bucket as bucket, key from image_allocation
where bucket = 'suboptimal' and left_home_at is null order by sop_instance_uid, frame limit %(limit)s;

-- name: left
update image_allocation a set left_home_at = now()
from unnest(%(buckets)s::text[], %(keys)s::text[]) as o (bucket, key)
where a.key = o.key and a.home_bucket = o.bucket and a.bucket = 'suboptimal';
