-- Queries for image buckets and the allocation of images.

-- name: allocate
-- One call of a function in schema.sql, so that its lock is not held during round trips.
select * from allocate_images(%(sop_instance_uid)s, %(patient)s, %(instance)s, %(item_id)s, %(content_digest)s,
    %(number_of_frames)s, %(modality)s, %(is_localizer)s, %(recipe_version)s, %(pipeline_version)s, %(prefix)s,
    %(former_patients)s, %(key_check)s);

-- name: lock_allocation
-- Only one worker adds a bucket; the others wait for it and then use it.
select pg_advisory_xact_lock(hashtext('image_allocation'));

-- name: open_bucket
select bucket from image_bucket where allocated < capacity and starts_with(bucket, %(prefix)s) limit 1;

-- name: new_bucket
insert into image_bucket (bucket, capacity) values (%(bucket)s, %(capacity)s)
on conflict (bucket) do nothing;

-- name: spaces
select number, name, key_check, exists (select from erased_patient e where e.space = s.number) as has_erased
from pseudonym_space s order by number;

-- name: find_erased
select (select key_check from pseudonym_space order by number desc limit 1) as key_check,
    exists (select from erased_patient where patient_id = any(%(patients)s)) as is_erased;

-- name: complete
complete_extraction(%(uid)s, %(recipe_version)s, %(pipeline_version)s, %(deidentified_key)s, %(deidentified_etag)s,
    %(deidentified_size)s)
