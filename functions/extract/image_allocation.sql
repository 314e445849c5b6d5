-- Queries for image buckets and the allocation of images.

-- name: allocate
-- One call of a function in schema.sql, so that its lock is not held during round trips.
select * from allocate_images(%(sop_instance_uid)s, %(patient)s, %(instance)s, %(item_id)s, %(content_digest)s,
    %(number_of_frames)s, %(modality)s, %(is_localizer)s, %(recipe_version)s, %(pipeline_version)s, %(prefix)s);

-- name: lock_allocation
-- Only one worker adds a bucket; the others wait for it and then use it.
select pg_advisory_xact_lock(hashtext('image_allocation'));

-- name: open_bucket
select bucket from image_bucket where allocated < capacity and starts_with(bucket, %(prefix)s) limit 1;

-- name: new_bucket
insert into image_bucket (bucket, capacity) values (%(bucket)s, %(capacity)s)
on conflict (bucket) do nothing;

-- name: find_erased
select patient_id from erased_patient where patient_id = %(patient)s;

-- name: complete
complete_extraction(%(uid)s, %(recipe_version)s, %(pipeline_version)s)
