-- Functions that extract calls.

-- What a file contradicts: the instance of another file, the patient of its study, or the study of its series.
create or replace function find_conflict(this_uid text, this_item bigint, this_digest text, this_patient text,
    this_study text, this_series text) returns text
language sql volatile as $$
    select case
        when exists (select from extraction
            where sop_instance_uid = this_uid and content_digest <> this_digest and item_id <> this_item) then 'instance'
        when exists (select from known_parent where uid = this_study and parent <> this_patient) then 'study'
        when exists (select from known_parent where uid = this_series and parent <> this_study) then 'series'
    end
$$;
comment on function find_conflict is 'What a file contradicts: instance, study or series; null: nothing.';

-- Registers an instance and allocates its images to buckets; later calls return the same allocation. If no bucket
-- has room, it returns fewer images than frames: the caller then creates a bucket and calls again. Nothing is registered
-- for a process with another pseudonym key than the database's, nor for a patient who was erased in any space, nor for
-- a file that contradicts what is registered: it is noted in item_conflict until a person decides.
create or replace function allocate_images(this_uid text, this_patient text, this_path text, this_item bigint, this_digest text,
    frames int, this_modality text, this_is_localizer boolean, this_recipe int, this_pipeline text, prefix text,
    former_patients text[], this_key_check text,
    out key_check text, out is_erased boolean, out is_withdrawn boolean, out conflict text, out first_item bigint, out is_completed boolean, out buckets text[], out keys text[])
language plpgsql as $$
declare
    this_study text := split_part(this_path, '/', 2);
    this_series text := split_part(this_path, '/', 3);
    placed int;
    open_bucket text;
    free int;
begin
    select s.key_check into key_check from pseudonym_space s order by number desc limit 1;
    is_erased := exists (select from erased_patient where patient_id = any(this_patient || former_patients));
    if is_erased or key_check is distinct from this_key_check then
        return;
    end if;
    if exists (select from withdrawn_object where sop_instance_uid = this_uid) then
        raise serialization_failure using message = 'objects of this instance are being withdrawn';
    end if;
    is_withdrawn := exists (select from item_conflict
        where sop_instance_uid = this_uid and content_digest = this_digest and withdrawn_at is not null);
    if not is_withdrawn then
        conflict := find_conflict(this_uid, this_item, this_digest, this_patient, this_study, this_series);
    end if;
    if is_withdrawn or conflict is not null then
        insert into item_conflict (item_id, patient_id, study_instance_uid, series_instance_uid, sop_instance_uid,
            content_digest, withdrawn_at)
        values (this_item, this_patient, this_study, this_series, this_uid, this_digest,
            case when is_withdrawn then now() end)
        on conflict (item_id) do update set patient_id = excluded.patient_id,
            study_instance_uid = excluded.study_instance_uid, series_instance_uid = excluded.series_instance_uid,
            sop_instance_uid = excluded.sop_instance_uid, content_digest = excluded.content_digest,
            withdrawn_at = excluded.withdrawn_at;
        return;
    end if;
    delete from item_conflict where item_id = this_item;
    insert into known_parent (uid, parent) values (this_study, this_patient), (this_series, this_study)
    on conflict do nothing;
    insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, modality, is_localizer,
        recipe_version, pipeline_version)
    values (this_uid, this_item, this_digest, frames, this_modality, this_is_localizer, this_recipe, this_pipeline)
    on conflict (sop_instance_uid) do nothing;
    if find_conflict(this_uid, this_item, this_digest, this_patient, this_study, this_series) is not null then
        raise serialization_failure using message = 'another file registered the same instance, study or series meanwhile';
    end if;
    -- The same file: a later version of dcm2set may digest it in another way.
    update extraction set content_digest = this_digest
    where sop_instance_uid = this_uid and item_id = this_item and content_digest <> this_digest;
    select item_id, completed_at is not null into first_item, is_completed
    from extraction where sop_instance_uid = this_uid;
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
create or replace function complete_extraction(this_uid text, this_recipe int, this_pipeline text,
    this_key text, this_etag text, this_size bigint) returns void
language plpgsql as $$
begin
    update extraction set completed_at = coalesce(completed_at, now()),
        recipe_version = this_recipe, pipeline_version = this_pipeline,
        deidentified_key = coalesce(this_key, deidentified_key),
        deidentified_etag = coalesce(this_etag, deidentified_etag),
        deidentified_size = coalesce(this_size, deidentified_size)
    where sop_instance_uid = this_uid;
    if not found then
        raise serialization_failure using message = 'the instance was withdrawn meanwhile';
    end if;
end $$;
comment on function complete_extraction is 'Notes that all outputs of an instance are written; called by extract when it settles.';
