-- Functions that extract calls.

-- Registers an instance and allocates its images to buckets; later calls return the same allocation. If no bucket
-- has room, it returns fewer images than frames: the caller then creates a bucket and calls again. Nothing is registered
-- for a process with another pseudonym key than the database's, nor for a patient who was erased in any space.
create or replace function allocate_images(this_uid text, this_patient text, this_path text, this_item bigint, this_digest text,
    frames int, this_modality text, this_is_localizer boolean, this_recipe int, this_pipeline text, prefix text,
    former_patients text[], this_key_check text,
    out key_check text, out is_erased boolean, out digest text, out first_item bigint, out is_completed boolean, out buckets text[], out keys text[])
language plpgsql as $$
declare
    placed int;
    open_bucket text;
    free int;
begin
    select s.key_check into key_check from pseudonym_space s order by number desc limit 1;
    is_erased := exists (select from erased_patient where patient_id = any(this_patient || former_patients));
    if is_erased or key_check is distinct from this_key_check then
        return;
    end if;
    insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, modality, is_localizer,
        recipe_version, pipeline_version)
    values (this_uid, this_item, this_digest, frames, this_modality, this_is_localizer, this_recipe, this_pipeline)
    on conflict (sop_instance_uid) do nothing;
    select content_digest, item_id, completed_at is not null into digest, first_item, is_completed
    from extraction where sop_instance_uid = this_uid;
    if digest is distinct from this_digest then
        return;
    end if;
    select count(*) into placed from image_allocation where sop_instance_uid = this_uid;
    if placed < frames then
        -- One call at a time, because the number of images in a bucket and the new images must agree.
        perform pg_advisory_xact_lock(hashtext('image_allocation'));
        select count(*) into placed from image_allocation where sop_instance_uid = this_uid;
    end if;
    while placed < frames loop
        select bucket, least(capacity - allocated, frames - placed) into open_bucket, free from image_bucket
        where allocated < capacity and starts_with(bucket, prefix) order by created_at desc, bucket desc limit 1;
        exit when open_bucket is null;
        -- The check constraint of the table (allocated <= capacity) refuses one image too many.
        update image_bucket set allocated = allocated + free where bucket = open_bucket;
        insert into image_allocation (sop_instance_uid, frame, allocated_bucket, bucket, key)
        select this_uid, frame, open_bucket, open_bucket, this_path || '/' || frame || '.png'
        from generate_series(placed + 1, placed + free) as frame;
        placed := placed + free;
    end loop;
    select coalesce(array_agg(allocated_bucket order by frame), '{}'), coalesce(array_agg(key order by frame), '{}')
    into buckets, keys from image_allocation where sop_instance_uid = this_uid;
end $$;
comment on function allocate_images is 'Registers an instance and allocates its images to buckets; called by extract.';

-- Part of the settling statement, so that an instance counts as extracted only with its item.
create or replace function complete_extraction(this_uid text, this_recipe int, this_pipeline text) returns void
language plpgsql as $$
begin
    update extraction set completed_at = coalesce(completed_at, now()),
        recipe_version = this_recipe, pipeline_version = this_pipeline
    where sop_instance_uid = this_uid;
end $$;
comment on function complete_extraction is 'Notes that all outputs of an instance are written; called by extract when it settles.';
