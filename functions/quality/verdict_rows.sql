-- Verdict rows, by name.

-- name: bucket_now
select bucket from image_allocation
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s
    and home_bucket = %(bucket)s and key = %(key)s;

-- name: record_verdict
insert into verdict (sop_instance_uid, frame, verdict, score, threshold, mean_grey, features, model_version)
values (%(sop_instance_uid)s, %(frame)s, %(verdict)s, %(score)s, %(threshold)s, %(mean_grey)s,
    %(features)s, %(model_version)s)
on conflict (sop_instance_uid, frame) do update
set verdict = excluded.verdict, score = excluded.score, threshold = excluded.threshold,
    mean_grey = excluded.mean_grey, features = excluded.features,
    model_version = excluded.model_version, checked_at = now();

-- name: record_place
update image_allocation set bucket = %(bucket)s
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s and bucket <> %(bucket)s;
