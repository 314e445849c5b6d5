-- Views, made anew after every migration: one whose columns change can't be replaced.

drop view if exists ledger_state, balance, balance_recount, image_place, file_place, ledger_file, image_overview, current_label, standing_label, said_label,
    training_image;

-- What is not summed up yet is counted, and the sums are added.
create view ledger_state as
with counted as (
    select function, case when attempts = 0 then 'waiting' else state end as state, count(*) as number,
        min(first_seen_at) filter (where state in ('running', 'retry')) as oldest
    from ledger_item where counted_as is null group by 1, 2
    union all
    select subject, 'done', sum(number), null from settled_total
    where subject not in ('file', 'image') group by subject
)
select function,
    coalesce(sum(number) filter (where state = 'waiting'), 0)::bigint as waiting,
    coalesce(sum(number) filter (where state = 'running'), 0)::bigint as running,
    coalesce(sum(number) filter (where state = 'retry'), 0)::bigint as retry,
    coalesce(sum(number) filter (where state = 'held'), 0)::bigint as held,
    coalesce(sum(number) filter (where state = 'quarantined'), 0)::bigint as quarantined,
    coalesce(sum(number) filter (where state = 'done'), 0)::bigint as done,
    extract(epoch from now() - min(oldest)) as oldest_seconds
from counted group by function;
comment on view ledger_state is 'How many items of each function are in which state, and the age of the oldest unsettled one.';

create view ledger_file as
select s.folder_id, s.id as source_file_id, s.state as source_state, l.id as ledger_id, l.state, l.outcome,
    coalesce(l.cause, s.cause) as cause, l.sop_instance_uid, s.counted_as
from source_file s
left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
union all
select null, null, null, l.id, l.state, l.outcome, l.cause, l.sop_instance_uid, l.counted_as
from ledger_item l
where l.function = 'extract' and l.bucket = 'raw' and not exists (
    select from source_file s where s.raw_key = l.key and (s.etag = l.etag or s.etag is null)
);
comment on view ledger_file is 'Every file there is: found on the NAS, put into raw directly, or both.';

-- Each category has a condition of its own over other tables, so a file that no condition
-- holds for, or that two hold for, shows as a difference.
create view file_place as
select f.source_file_id, f.ledger_id, f.counted_as,
    coalesce(source_state = 'skipped' or (state = 'done' and outcome = 'skipped'), false) as skipped,
    coalesce(coalesce(source_state, 'copied') <> 'skipped' and (ledger_id is null or state in ('running', 'retry')),
        false) as waiting,
    coalesce(state = 'done' and outcome = 'erased', false) as erased,
    coalesce(state = 'held', false) as held,
    coalesce(state = 'quarantined', false) as quarantined,
    coalesce(state = 'done' and outcome in ('extracted', 'duplicate') and e.completed_at is not null, false)
        as extracted,
    coalesce(state = 'done' and outcome = 'duplicate' and e.completed_at is not null, false) as duplicate
from ledger_file f left join extraction e using (sop_instance_uid);
comment on view file_place is 'Every file, and which conditions hold for it: one, if nothing is wrong.';

create view image_place as
select e.sop_instance_uid, a.frame, a.home_bucket, a.key, a.allocated_at, e.completed_at, e.counted_images,
    coalesce(v.verdict = 'good' and a.bucket = a.home_bucket, false) as good,
    coalesce(v.verdict = 'black' and a.bucket = 'suboptimal', false) as black,
    coalesce(v.verdict = 'low_quality' and a.bucket = 'suboptimal', false) as low_quality,
    v.verdict is null and l.state is null as waiting,
    v.verdict is null and l.state is not null as quarantined
from extraction e
join image_allocation a using (sop_instance_uid)
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
left join ledger_item l on v.verdict is null and l.function = 'quality'
    and l.bucket = a.home_bucket and l.key = a.key and l.state = 'quarantined'
where e.completed_at is not null;
comment on view image_place is 'Every image of an extracted instance, and which conditions hold for it: one, if nothing is wrong.';

-- What is not summed up is counted; what is summed up was counted the same way, once.
create view balance as
with total as (
    select coalesce(sum(number) filter (where subject = 'file'), 0)::bigint as found,
        coalesce(sum(number) filter (where subject = 'file' and category = 'skipped'), 0)::bigint as skipped,
        coalesce(sum(number) filter (where subject = 'file' and category = 'erased'), 0)::bigint as erased,
        coalesce(sum(number) filter (where subject = 'file' and category in ('extracted', 'duplicate')), 0)::bigint as extracted,
        coalesce(sum(number) filter (where subject = 'file' and category = 'duplicate'), 0)::bigint as duplicates,
        coalesce(sum(number) filter (where subject = 'image' and category = 'frames'), 0)::bigint as frames,
        coalesce(sum(number) filter (where subject = 'image' and category = 'good'), 0)::bigint as good,
        coalesce(sum(number) filter (where subject = 'image' and category = 'black'), 0)::bigint as black,
        coalesce(sum(number) filter (where subject = 'image' and category = 'low_quality'), 0)::bigint as low_quality
    from settled_total
), file as (
    select count(*) as found, count(*) filter (where skipped) as skipped, count(*) filter (where waiting) as waiting,
        count(*) filter (where erased) as erased, count(*) filter (where held) as held,
        count(*) filter (where quarantined) as quarantined, count(*) filter (where extracted) as extracted,
        count(*) filter (where duplicate) as duplicates
    from file_place where counted_as is null
), frame as (
    select coalesce(sum(number_of_frames), 0) as frames from extraction
    where completed_at is not null and counted_images is null
), image as (
    select count(*) filter (where good) as good, count(*) filter (where black) as black,
        count(*) filter (where low_quality) as low_quality, count(*) filter (where waiting) as waiting,
        count(*) filter (where quarantined) as quarantined
    from image_place where counted_images is null
), told as (
    select t.found + f.found as files_found, t.skipped + f.skipped as files_skipped, f.waiting as files_waiting,
        t.erased + f.erased as files_erased, f.held as files_held, f.quarantined as files_quarantined,
        t.extracted + f.extracted as files_extracted, t.duplicates + f.duplicates as files_duplicate,
        t.frames + r.frames as frames, t.good + i.good as images_good, t.black + i.black as images_black,
        t.low_quality + i.low_quality as images_low_quality, i.waiting as images_waiting,
        i.quarantined as images_quarantined
    from total t, file f, frame r, image i
)
select *,
    files_found - files_skipped - files_waiting - files_erased - files_held - files_quarantined - files_extracted
        as files_difference,
    frames - images_good - images_black - images_low_quality - images_waiting - images_quarantined
        as images_difference
from told;
comment on view balance is 'Where every file and every frame is; both differences are 0 at any moment.';

create view balance_recount as
with file as (
    select count(*) as files_found, count(*) filter (where skipped) as files_skipped,
        count(*) filter (where waiting) as files_waiting, count(*) filter (where erased) as files_erased,
        count(*) filter (where held) as files_held, count(*) filter (where quarantined) as files_quarantined,
        count(*) filter (where extracted) as files_extracted, count(*) filter (where duplicate) as files_duplicate
    from file_place
), frame as (
    select coalesce(sum(number_of_frames), 0) as frames from extraction where completed_at is not null
), image as (
    select count(*) filter (where good) as images_good, count(*) filter (where black) as images_black,
        count(*) filter (where low_quality) as images_low_quality, count(*) filter (where waiting) as images_waiting,
        count(*) filter (where quarantined) as images_quarantined
    from image_place
), told as (select * from file, frame, image)
select *,
    files_found - files_skipped - files_waiting - files_erased - files_held - files_quarantined - files_extracted
        as files_difference,
    frames - images_good - images_black - images_low_quality - images_waiting - images_quarantined
        as images_difference
from told;
comment on view balance_recount is 'The balance counted over all rows, without the totals: slow, and what they are checked by.';

-- Sums up at most so many settled files, instances and items; false if another call is at it. Rows that
-- others work on are left for the next time, so it waits for nobody and nobody waits for it long.
create or replace function count_settled(most int) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    ids bigint[];
    uids text[];
    items bigint[];
begin
    if not pg_try_advisory_xact_lock(hashtext('dcm2set count_settled')) then
        return false;
    end if;
    -- Files of the NAS, with their items: locked first, looked at after.
    select array_agg(source_file_id), array_agg(ledger_id) into ids, items from (
        select source_file_id, ledger_id from file_place
        where counted_as is null and source_file_id is not null
            and not (waiting or held or quarantined) and skipped::int + erased::int + extracted::int = 1
        order by source_file_id limit most) as found;
    if ids is not null then
        select array_agg(id) into items from (
            select id from ledger_item where id = any(items) for update skip locked) as locked;
        select array_agg(id) into ids from (
            select id from source_file where id = any(ids) for update skip locked) as locked;
        with closed as (
            select source_file_id, max(case when skipped then 'skipped' when erased then 'erased'
                when duplicate then 'duplicate' else 'extracted' end) as category
            from file_place
            where source_file_id = any(ids) and counted_as is null and (ledger_id is null or ledger_id = any(items))
                and not (waiting or held or quarantined) and skipped::int + erased::int + extracted::int = 1
            group by source_file_id having count(*) = 1
        ), marked as (
            update source_file s set counted_as = c.category from closed c where s.id = c.source_file_id
            returning c.category
        )
        insert into settled_total select 'file', category, count(*) from marked group by category;
    end if;

    -- Instances with all of their images.
    select array_agg(sop_instance_uid) into uids from (
        select sop_instance_uid from extraction e
        where counted_images is null and completed_at is not null and not exists (
            select from image_place p where p.sop_instance_uid = e.sop_instance_uid and (waiting or quarantined))
        order by completed_at limit most for update skip locked) as locked;
    if uids is not null then
        with closed as (
            select sop_instance_uid, count(*) filter (where good)::int as good, count(*) filter (where black)::int as black,
                count(*) filter (where low_quality)::int as low_quality
            from image_place where sop_instance_uid = any(uids) group by sop_instance_uid
        ), marked as (
            update extraction e set counted_images = array[good, black, low_quality]
            from closed c
            where e.sop_instance_uid = c.sop_instance_uid and number_of_frames = good + black + low_quality
            returning number_of_frames, good, black, low_quality
        )
        insert into settled_total
        select 'image', told.category, told.number from (
            select sum(number_of_frames) as frames, sum(good) as good, sum(black) as black, sum(low_quality) as low_quality
            from marked) as sums,
            lateral (values ('frames', frames), ('good', good), ('black', black), ('low_quality', low_quality))
                as told (category, number)
        where told.number > 0;
    end if;

    -- Items of every function; one of a file only once its file is, one without a file as the file it is.
    -- In the order of the index of what is not counted: in that of the key, all rows would be walked through.
    select array_agg(id) into items from (
        select id from ledger_item where counted_as is null and state = 'done'
        order by function, state, due_at, lease_until limit most for update skip locked) as locked;
    if items is not null then
        with found as (
            select l.id, l.function, l.first_seen_at, case
                when not (l.function = 'extract' and l.bucket = 'raw') then 'done'
                when s.number > 0 then case when s.uncounted = 0 then 'done' end
                when f.skipped then 'skipped' when f.erased then 'erased' when f.duplicate then 'duplicate'
                when f.extracted then 'extracted' end as counted_as
            from ledger_item l
            left join lateral (
                select count(*) as number, count(*) filter (where s.counted_as is null) as uncounted from source_file s
                where s.raw_key = l.key and (s.etag = l.etag or s.etag is null)) as s on l.function = 'extract'
            left join lateral (
                select coalesce(l.outcome = 'skipped', false) as skipped, coalesce(l.outcome = 'erased', false) as erased,
                    l.outcome = 'duplicate' and e.completed_at is not null as duplicate,
                    l.outcome = 'extracted' and e.completed_at is not null as extracted
                from (values (1)) as one left join extraction e on e.sop_instance_uid = l.sop_instance_uid) as f
                on l.function = 'extract'
            where l.id = any(items)
        ), marked as (
            update ledger_item l set counted_as = f.counted_as from found f
            where l.id = f.id and f.counted_as is not null
            returning l.function, f.counted_as, l.first_seen_at
        )
        insert into settled_total
        select function, 'done', count(*), max(first_seen_at) from marked group by function
        union all
        select 'file', counted_as, count(*), max(first_seen_at) from marked where counted_as <> 'done' group by counted_as;
    end if;

    if (select count(*) from settled_total) > 50 then
        with old as (delete from settled_total returning *)
        insert into settled_total
        select subject, category, sum(number), max(newest) from old group by subject, category
        having sum(number) <> 0 or max(newest) is not null;
    end if;
    return true;
end $$;
comment on function count_settled is 'Adds what is settled to settled_total; the sweep calls it.';

create or replace function forget_attempts(days double precision) returns int
language sql security definer set search_path = public, pg_temp as $$
    with gone as (
        delete from ledger_attempt where (item_id, attempt) in (
            select item_id, attempt from ledger_attempt
            where ended_at < now() - make_interval(secs => days * 86400) order by ended_at limit 10000)
        returning 1)
    select count(*)::int from gone
$$;
comment on function forget_attempts is 'Deletes the details of attempts that ended so long ago; the sweep calls it.';

-- Registers an instance and places its images, the same ones whenever it comes again; fewer than it has
-- frames where no bucket has room: then the caller makes one and asks again.
create or replace function place_images(this_uid text, this_patient text, this_path text, this_item bigint, this_digest text,
    frames int, this_modality text, this_is_localizer boolean, this_recipe int, this_pipeline text, prefix text,
    out is_erased boolean, out digest text, out first_item bigint, out is_completed boolean, out buckets text[], out keys text[])
language plpgsql as $$
declare
    placed int;
    open_bucket text;
    free int;
begin
    is_erased := exists (select from erased_patient where patient_id = this_patient);
    if is_erased then
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
        -- One at a time: a bucket's count and its images are decided together.
        perform pg_advisory_xact_lock(hashtext('image_allocation'));
        select count(*) into placed from image_allocation where sop_instance_uid = this_uid;
    end if;
    while placed < frames loop
        select bucket, least(capacity - allocated, frames - placed) into open_bucket, free from image_bucket
        where allocated < capacity and starts_with(bucket, prefix) order by created_at desc, bucket desc limit 1;
        exit when open_bucket is null;
        -- The table's own check (allocated <= capacity) refuses the image too many.
        update image_bucket set allocated = allocated + free where bucket = open_bucket;
        insert into image_allocation (sop_instance_uid, frame, home_bucket, bucket, key)
        select this_uid, frame, open_bucket, open_bucket, this_path || '/' || frame || '.png'
        from generate_series(placed + 1, placed + free) as frame;
        placed := placed + free;
    end loop;
    select coalesce(array_agg(home_bucket order by frame), '{}'), coalesce(array_agg(key order by frame), '{}')
    into buckets, keys from image_allocation where sop_instance_uid = this_uid;
end $$;
comment on function place_images is 'Registers an instance and places its images; extract calls it.';

-- What was drawn again lies in its home again: quality will look there once more.
create or replace function complete_extraction(this_uid text, this_recipe int, this_pipeline text) returns void
language plpgsql as $$
begin
    update image_allocation set left_home_at = null where sop_instance_uid = this_uid and left_home_at is not null;
    update extraction set completed_at = coalesce(completed_at, now()),
        recipe_version = this_recipe, pipeline_version = this_pipeline
    where sop_instance_uid = this_uid;
end $$;
comment on function complete_extraction is 'All outputs of an instance are written; extract calls it as it settles.';

-- The verdict, and where the image lies by it; an image drawn again leaves its home anew.
create or replace function record_verdict(this_uid text, this_frame int, this_bucket text, this_verdict text, this_by_model text,
    this_score double precision, this_threshold double precision, this_mean double precision, these_features jsonb,
    these_reasons text[], this_confidence text, this_model text, this_hash bytea) returns void
language plpgsql as $$
begin
    insert into verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features, reasons,
        confidence, model_version, picture_hash)
    values (this_uid, this_frame, this_verdict, this_by_model, this_score, this_threshold, this_mean, these_features,
        these_reasons, this_confidence, this_model, this_hash)
    on conflict (sop_instance_uid, frame) do update
    set verdict = excluded.verdict, by_model = excluded.by_model, score = excluded.score,
        threshold = excluded.threshold, mean_grey = excluded.mean_grey, features = excluded.features,
        reasons = excluded.reasons, confidence = excluded.confidence, model_version = excluded.model_version,
        picture_hash = excluded.picture_hash, checked_at = now();
    update image_allocation set bucket = this_bucket, left_home_at = null
    where sop_instance_uid = this_uid and frame = this_frame and (bucket <> this_bucket or left_home_at is not null);
end $$;
comment on function record_verdict is 'A verdict and where its image lies; quality calls it as it settles.';

-- All rows of a metadata document, or none. What is stored already is read and not written again: the
-- slices of a series would wait for one another. A row of another parent is refused as a conflict.
create or replace function record_document(this_patient jsonb, this_study jsonb, this_series jsonb, this_instance jsonb,
    these_images jsonb, these_actions jsonb) returns void
language plpgsql as $$
declare
    p patient := jsonb_populate_record(null::patient, this_patient);
    st study := jsonb_populate_record(null::study, this_study);
    se series := jsonb_populate_record(null::series, this_series);
    i instance := jsonb_populate_record(null::instance, this_instance);
    conflict text;
begin
    conflict := case
        when exists (select from study where study_instance_uid = st.study_instance_uid and patient_id <> p.patient_id)
            then 'The study''s UID is already stored under another patient.'
        when exists (select from series where series_instance_uid = se.series_instance_uid
            and study_instance_uid <> st.study_instance_uid)
            then 'The series''s UID is already stored under another study.'
        when exists (select from instance where sop_instance_uid = i.sop_instance_uid
            and series_instance_uid <> se.series_instance_uid)
            then 'The instance''s UID is already stored under another series.'
    end;
    if conflict is not null then
        -- An SQLSTATE of our own (common/database.py).
        raise exception using errcode = 'U0001', message = conflict,
            hint = 'Find out which of the two is right; nothing was overwritten.';
    end if;

    perform from patient where patient_id = p.patient_id and sex is not distinct from coalesce(p.sex, sex);
    if not found then
        insert into patient as old (patient_id, sex) values (p.patient_id, p.sex)
        on conflict (patient_id) do update set sex = coalesce(excluded.sex, old.sex), updated_at = now();
    end if;

    perform from study where study_instance_uid = st.study_instance_uid
        and study_date is not distinct from coalesce(st.study_date, study_date);
    if not found then
        insert into study as old (study_instance_uid, patient_id, study_date)
        values (st.study_instance_uid, p.patient_id, st.study_date)
        on conflict (study_instance_uid) do update
        set study_date = coalesce(excluded.study_date, old.study_date), updated_at = now()
        where old.patient_id = excluded.patient_id;
        if not found then
            raise serialization_failure using message = 'stored under another parent meanwhile';
        end if;
    end if;

    perform from series where series_instance_uid = se.series_instance_uid
        and (modality, body_part, laterality, manufacturer, model) is not distinct from (coalesce(se.modality, modality),
            coalesce(se.body_part, body_part), coalesce(se.laterality, laterality),
            coalesce(se.manufacturer, manufacturer), coalesce(se.model, model));
    if not found then
        insert into series as old (series_instance_uid, study_instance_uid, modality, body_part, laterality, manufacturer, model)
        values (se.series_instance_uid, st.study_instance_uid, se.modality, se.body_part, se.laterality, se.manufacturer, se.model)
        on conflict (series_instance_uid) do update
        set modality = coalesce(excluded.modality, old.modality),
            body_part = coalesce(excluded.body_part, old.body_part),
            laterality = coalesce(excluded.laterality, old.laterality),
            manufacturer = coalesce(excluded.manufacturer, old.manufacturer),
            model = coalesce(excluded.model, old.model), updated_at = now()
        where old.study_instance_uid = excluded.study_instance_uid;
        if not found then
            raise serialization_failure using message = 'stored under another parent meanwhile';
        end if;
    end if;

    perform from attribute_actions where digest = i.actions;
    if not found then
        insert into attribute_actions (digest, actions) values (i.actions, these_actions) on conflict do nothing;
    end if;

    insert into instance as old (sop_instance_uid, series_instance_uid, sop_class_uid, instance_number,
        view_position, photometric, "rows", "columns", number_of_frames, pixel_spacing_row, pixel_spacing_col,
        slice_thickness, kvp, age_years, attributes, pipeline_version, deidentification, key_id, actions)
    values (i.sop_instance_uid, se.series_instance_uid, i.sop_class_uid, i.instance_number, i.view_position,
        i.photometric, i."rows", i."columns", i.number_of_frames, i.pixel_spacing_row, i.pixel_spacing_col,
        i.slice_thickness, i.kvp, i.age_years, i.attributes, i.pipeline_version, i.deidentification, i.key_id, i.actions)
    on conflict (sop_instance_uid) do update
    set sop_class_uid = excluded.sop_class_uid, instance_number = excluded.instance_number,
        view_position = excluded.view_position, photometric = excluded.photometric,
        "rows" = excluded."rows", "columns" = excluded."columns", number_of_frames = excluded.number_of_frames,
        pixel_spacing_row = excluded.pixel_spacing_row, pixel_spacing_col = excluded.pixel_spacing_col,
        slice_thickness = excluded.slice_thickness, kvp = excluded.kvp, age_years = excluded.age_years,
        attributes = excluded.attributes, pipeline_version = excluded.pipeline_version,
        deidentification = excluded.deidentification, key_id = excluded.key_id, actions = excluded.actions,
        updated_at = now()
    where old.series_instance_uid = excluded.series_instance_uid;
    if not found then
        raise serialization_failure using message = 'stored under another parent meanwhile';
    end if;

    insert into image (sop_instance_uid, frame, "rows", "columns", samples, bits, sha256, recipe, recipe_version)
    select i.sop_instance_uid, m.frame, m."rows", m."columns", m.samples, m.bits, m.sha256, m.recipe, m.recipe_version
    from jsonb_populate_recordset(null::image, these_images) as m
    on conflict (sop_instance_uid, frame) do update
    set "rows" = excluded."rows", "columns" = excluded."columns", samples = excluded.samples, bits = excluded.bits,
        sha256 = excluded.sha256, recipe = excluded.recipe, recipe_version = excluded.recipe_version;
end $$;
comment on function record_document is 'All rows of a metadata document; store_metadata calls it as it settles.';

create view training_image as
select a.image_id, a.key, a.bucket, a.sop_instance_uid, a.frame, st.patient_id, st.study_instance_uid,
    se.series_instance_uid, se.modality, se.body_part, se.laterality, i.view_position, st.study_date, p.sex,
    i.age_years, se.manufacturer, se.model as device_model, i.sop_class_uid, i.instance_number, i.number_of_frames,
    i.photometric, im."rows", im."columns", im.samples, im.bits, i.pixel_spacing_row, i.pixel_spacing_col,
    i.slice_thickness, i.kvp, im.sha256, encode(v.picture_hash, 'hex') as picture_hash, v.verdict, v.by_model, v.score,
    v.threshold, v.mean_grey, v.confidence, array_to_string(v.reasons, '; ') as reasons,
    v.model_version as quality_model, e.is_localizer, im.recipe, im.recipe_version, i.deidentification, i.key_id,
    i.pipeline_version
from image_allocation a
join extraction e using (sop_instance_uid)
join image im using (sop_instance_uid, frame)
join instance i using (sop_instance_uid)
join series se using (series_instance_uid)
join study st using (study_instance_uid)
join patient p using (patient_id)
left join verdict v using (sop_instance_uid, frame);
comment on view training_image is 'One row per image with all that a training set keeps of it.';

create view image_overview as
select sop_instance_uid, frame, bucket, key, verdict, score, reasons, confidence, quality_model as model_version,
    is_localizer, series_instance_uid, study_instance_uid, patient_id, modality, body_part, laterality, view_position,
    study_date, sex, age_years, "rows", "columns", sha256, recipe, recipe_version
from training_image;
comment on view image_overview is 'One row per image with what people filter by, and where it lies.';

create view said_label as
select image_id, label_id, annotator_id, value, labelled_at, import_id, line, id, 0 as breadth from label
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 1
from group_label g join image_allocation a on g.level = 'instance' and a.sop_instance_uid = g.uid
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 2
from group_label g join image_allocation a on g.level = 'series' and split_part(a.key, '/', 3) = g.uid
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 3
from group_label g join image_allocation a on g.level = 'study' and split_part(a.key, '/', 2) = g.uid;
comment on view said_label is 'Every label of every image, with those of its instance, series and study; breadth 0 is its own.';

create view standing_label as
select distinct on (image_id, label_id, annotator_id)
    image_id, label_id, annotator_id, value, labelled_at, import_id, line
from said_label
order by image_id, label_id, annotator_id, labelled_at desc, import_id desc, breadth, id desc;
comment on view standing_label is 'What each annotator last said of each label of each image.';

-- One value of each label of each image. Votes: 1 from 0.5 on, -1 uncertain, else 0.
create or replace function labels_now(rule text, uncertain text)
returns table (image_id bigint, label_id int, value real, annotators int)
language sql stable as $$
    with counted as (
        select s.image_id, s.label_id, count(*)::int as annotators,
            count(*) filter (where s.value >= 0.5) as yes,
            count(*) filter (where s.value >= 0 and s.value < 0.5) as no,
            count(*) filter (where s.value < 0) as unsure,
            case when labels_now.rule = 'last'
                then (array_agg(s.value order by s.labelled_at desc, s.import_id desc, s.line desc))[1] end as newest
        from standing_label s group by s.image_id, s.label_id
    ), ruled as (
        select c.image_id, c.label_id, c.annotators,
            case labels_now.rule
                when 'last' then c.newest
                when 'majority' then case
                    when c.yes > greatest(c.no, c.unsure) then 1
                    when c.no > greatest(c.yes, c.unsure) then 0 else -1 end
                when 'any' then case when c.yes > 0 then 1 when c.unsure > 0 then -1 else 0 end
                when 'all' then case when c.no > 0 then 0 when c.unsure > 0 then -1 else 1 end
            end::real as value
        from counted c
    )
    select r.image_id, r.label_id,
        case when r.value = -1 and labels_now.uncertain in ('0', '1') then labels_now.uncertain::real
            else r.value end,
        r.annotators
    from ruled r
    where r.value >= 0 or labels_now.uncertain <> 'missing'
$$;
comment on function labels_now is 'The current label of each image by a rule (last, majority, any, all); uncertain: keep, 0, 1, missing.';

create view current_label as
select now.image_id, a.sop_instance_uid, a.frame, n.name as label, now.value, now.annotators
from label_rule r
cross join lateral labels_now(r.rule, r.uncertain) now
join image_allocation a on a.image_id = now.image_id
join label_name n on n.id = now.label_id;
comment on view current_label is 'The current label of each image, by the rule of the settings.';
