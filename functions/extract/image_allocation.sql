-- Image buckets and places, by name.

-- name: register
insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, modality,
    is_localizer, recipe_version, pipeline_version)
values (%(sop_instance_uid)s, %(item_id)s, %(content_digest)s, %(number_of_frames)s, %(modality)s,
    %(is_localizer)s, %(recipe_version)s, %(pipeline_version)s)
on conflict (sop_instance_uid) do nothing;

-- name: registered
select item_id, content_digest, completed_at is not null as completed,
    exists (select from erased_patient where patient_id = %(patient)s) as erased
from extraction where sop_instance_uid = %(sop_instance_uid)s;

-- name: allocated
select frame, home_bucket, key from image_allocation
where sop_instance_uid = %(sop_instance_uid)s order by frame;

-- name: lock_allocation
-- One allocation at a time: a bucket's count and its images are decided together.
select pg_advisory_xact_lock(hashtext('image_allocation'));

-- name: open_bucket
select bucket, capacity - allocated as free from image_bucket
where allocated < capacity and starts_with(bucket, %(prefix)s) order by created_at desc, bucket desc limit 1;

-- name: new_bucket
insert into image_bucket (bucket, capacity) values (%(bucket)s, %(capacity)s)
on conflict (bucket) do nothing;

-- name: fill_bucket
-- The table's own check (allocated <= capacity) refuses the image too many.
update image_bucket set allocated = allocated + %(number)s where bucket = %(bucket)s;

-- name: allocate
insert into image_allocation (sop_instance_uid, frame, home_bucket, bucket, key)
select %(sop_instance_uid)s, frame, %(bucket)s, %(bucket)s, %(instance)s || '/' || frame || '.png'
from generate_series(%(first)s::int, %(last)s::int) as frame;

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
