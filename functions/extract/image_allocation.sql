-- Image buckets and places, by name.

-- name: place
-- One call of a function of views.sql, so that its lock is held for no round trip.
select * from allocate_images(%(sop_instance_uid)s, %(patient)s, %(instance)s, %(item_id)s, %(content_digest)s,
    %(number_of_frames)s, %(modality)s, %(is_localizer)s, %(recipe_version)s, %(pipeline_version)s, %(prefix)s);

-- name: lock_allocation
-- Whoever rolls over is alone: others wait for the bucket that comes.
select pg_advisory_xact_lock(hashtext('image_allocation'));

-- name: open_bucket
select bucket from image_bucket where allocated < capacity and starts_with(bucket, %(prefix)s) limit 1;

-- name: new_bucket
insert into image_bucket (bucket, capacity) values (%(bucket)s, %(capacity)s)
on conflict (bucket) do nothing;

-- name: erased
select patient_id from erased_patient where patient_id = %(patient)s;

-- name: complete
complete_extraction(%(uid)s, %(recipe_version)s, %(pipeline_version)s)
