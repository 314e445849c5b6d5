-- Image buckets and places, by name.

-- name: place
-- One call of a function of views.sql, so that its lock is held for no round trip.
select * from place_images(%(sop_instance_uid)s, %(patient)s, %(instance)s, %(item_id)s, %(content_digest)s,
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
-- What was drawn again lies in its home again: quality will look there once more.
with home as (
    update image_allocation set left_home_at = null
    where sop_instance_uid = %(sop_instance_uid)s and left_home_at is not null
)
update extraction set completed_at = coalesce(completed_at, now()),
    recipe_version = %(recipe_version)s, pipeline_version = %(pipeline_version)s
where sop_instance_uid = %(sop_instance_uid)s;
