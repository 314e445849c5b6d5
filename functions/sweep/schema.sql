-- Functions that sweep calls.

-- Adds up to `most` settled files, instances and items to settled_total; returns false if another call is running.
-- It skips rows that others have locked, so that it waits for nobody and nobody waits long for it.
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
    -- Files of the NAS with their items: first locked, then read again.
    select array_agg(source_file_id), array_agg(ledger_id) into ids, items from (
        select source_file_id, ledger_id from file_state
        where counted_as is null and source_file_id is not null
            and not (waiting or held or refused or quarantined) and skipped::int + erased::int + extracted::int = 1
        order by source_file_id limit most) as found;
    if ids is not null then
        select array_agg(id) into items from (
            select id from ledger_item where id = any(items) for update skip locked) as locked;
        select array_agg(id) into ids from (
            select id from source_file where id = any(ids) for update skip locked) as locked;
        with closed as (
            select source_file_id, max(case when skipped then 'skipped' when erased then 'erased'
                when duplicate then 'duplicate' else 'extracted' end) as category
            from file_state
            where source_file_id = any(ids) and counted_as is null and (ledger_id is null or ledger_id = any(items))
                and not (waiting or held or refused or quarantined) and skipped::int + erased::int + extracted::int = 1
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
            select from image_state p where p.sop_instance_uid = e.sop_instance_uid and (waiting or quarantined))
        order by completed_at limit most for update skip locked) as locked;
    if uids is not null then
        with closed as (
            select sop_instance_uid, count(*) filter (where good)::int as good, count(*) filter (where black)::int as black,
                count(*) filter (where low_quality)::int as low_quality, count(*) filter (where review)::int as review
            from image_state where sop_instance_uid = any(uids) group by sop_instance_uid
        ), marked as (
            update extraction e set counted_images = array[good, black, low_quality, review]
            from closed c
            where e.sop_instance_uid = c.sop_instance_uid and number_of_frames = good + black + low_quality + review
            returning number_of_frames, good, black, low_quality, review
        )
        insert into settled_total
        select 'image', counts.category, counts.number from (
            select sum(number_of_frames) as frames, sum(good) as good, sum(black) as black, sum(low_quality) as low_quality,
                sum(review) as review
            from marked) as sums,
            lateral (values ('frames', frames), ('good', good), ('black', black), ('low_quality', low_quality),
                ('review', review)) as counts (category, number)
        where counts.number > 0;
    end if;

    -- Items of all functions. An item of a NAS file is added only after its file; an item without one also counts as
    -- a file. They are read in the order of the index of rows not counted yet: in the order of the primary key, all
    -- rows would be read.
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
                select coalesce(l.outcome in ('skipped', 'withdrawn'), false) as skipped, coalesce(l.outcome = 'erased', false) as erased,
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
comment on function count_settled is 'Adds settled rows to settled_total; called by sweep.';

-- Deletes at most 10,000 rows in one call, so that no call takes long.
create or replace function delete_old_attempts(days double precision) returns int
language sql security definer set search_path = public, pg_temp as $$
    with gone as (
        delete from ledger_attempt where (item_id, attempt) in (
            select item_id, attempt from ledger_attempt
            where ended_at < now() - make_interval(secs => days * 86400) order by ended_at limit 10000)
        returning 1)
    select count(*)::int from gone
$$;
comment on function delete_old_attempts is 'Deletes details of attempts that ended more than the given number of days ago; called by sweep.';

-- Counts the verdicts of this week and the week before again, at most once in the given time; the first time those of 100 days.
-- Earlier weeks stay as they were, so their numbers outlive a later check of the same images.
create or replace function count_quality_weeks(pause_seconds double precision) returns boolean
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
    since timestamptz := date_trunc('week', now() - interval '7 days');
begin
    if exists (select from quality_week where counted_at > now() - make_interval(secs => pause_seconds))
            or not pg_try_advisory_xact_lock(hashtext('dcm2set count_quality_weeks')) then
        return false;
    end if;
    if not exists (select from quality_week) then
        since := date_trunc('week', now() - interval '100 days');
    end if;
    delete from quality_week where week >= since;
    create temporary table judged on commit drop as
    select v.sop_instance_uid, v.frame, date_trunc('week', v.checked_at)::date as week, coalesce(e.modality, '') as modality,
        trim(concat_ws(' ', se.manufacturer, se.model)) as device, v.model_version, split_part(a.key, '/', 1) as patient,
        v.by_model, case when v.by_model <> 'black' then
            width_bucket(ln(greatest(v.score, 1e-9) / greatest(1 - v.score, 1e-9)), -7, 7, 28) end as bin
    from verdict v
    join image_allocation a using (sop_instance_uid, frame)
    join extraction e using (sop_instance_uid)
    left join instance i using (sop_instance_uid)
    left join series se using (series_instance_uid)
    where v.checked_at >= since;
    insert into quality_week (week, modality, device, model_version, patients, good, review, black, low_quality, scores, features)
    with numbers as (
        select week, modality, device, model_version, count(distinct patient) as patients,
            count(*) filter (where by_model = 'good') as good, count(*) filter (where by_model = 'review') as review,
            count(*) filter (where by_model = 'black') as black,
            count(*) filter (where by_model = 'low_quality') as low_quality
        from judged group by week, modality, device, model_version
    ), bins as (
        select week, modality, device, model_version, jsonb_object_agg(bin, number) as scores from (
            select week, modality, device, model_version, bin, count(*) as number from judged where bin is not null
            group by week, modality, device, model_version, bin) each
        group by week, modality, device, model_version
    ), few as (
        select * from (
            select *, row_number() over (partition by week, modality, device, model_version order by hashtext(sop_instance_uid))
                as number from judged where bin is not null) numbered
        where number <= 100
    ), percentiles as (
        select week, f.modality, device, f.model_version, name,
            percentile_disc(array[0.1, 0.5, 0.9]) within group (order by value::float8) as three
        from few f join verdict v using (sop_instance_uid, frame), jsonb_each_text(v.features) as feature (name, value)
        group by week, f.modality, device, f.model_version, name
    ), features as (
        select week, modality, device, model_version, jsonb_object_agg(name, three) as features
        from percentiles group by week, modality, device, model_version
    )
    select n.*, coalesce(b.scores, '{}'), coalesce(f.features, '{}') from numbers n
    left join bins b using (week, modality, device, model_version)
    left join features f using (week, modality, device, model_version);
    drop table judged;
    return true;
end $$;
comment on function count_quality_weeks is 'Counts the verdicts of the last two weeks by modality and device; called by sweep.';
