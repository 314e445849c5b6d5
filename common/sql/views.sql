-- Views, made anew after every migration: one whose columns change can't be replaced.

drop view if exists balance, ledger_file, image_overview, current_label, standing_label, said_label, training_image;

create view ledger_file as
select s.folder_id, s.state as source_state, l.id as ledger_id, l.state, l.outcome,
    coalesce(l.cause, s.cause) as cause, l.sop_instance_uid
from source_file s
left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
union all
select null, null, l.id, l.state, l.outcome, l.cause, l.sop_instance_uid
from ledger_item l
where l.function = 'extract' and l.bucket = 'raw' and not exists (
    select from source_file s where s.raw_key = l.key and (s.etag = l.etag or s.etag is null)
);
comment on view ledger_file is 'Every file there is: found on the NAS, put into raw directly, or both.';

-- Each category has a condition of its own over other tables, so a file that no condition
-- holds for, or that two hold for, shows as a difference.
create view balance as
with file as (
    select count(*) as found,
        count(*) filter (where source_state = 'skipped' or (state = 'done' and outcome = 'skipped')) as skipped,
        count(*) filter (where coalesce(source_state, 'copied') <> 'skipped'
                         and (ledger_id is null or state in ('running', 'retry'))) as waiting,
        count(*) filter (where state = 'done' and outcome = 'erased') as erased,
        count(*) filter (where state = 'held') as held,
        count(*) filter (where state = 'quarantined') as quarantined,
        count(*) filter (where state = 'done' and outcome in ('extracted', 'duplicate')
                         and e.completed_at is not null) as extracted,
        count(*) filter (where state = 'done' and outcome = 'duplicate') as duplicates
    from ledger_file f left join extraction e using (sop_instance_uid)
), frame as (
    select coalesce(sum(number_of_frames), 0) as frames from extraction where completed_at is not null
), image_state as (
    select count(*) filter (where v.verdict = 'good' and a.bucket = a.home_bucket) as good,
        count(*) filter (where v.verdict = 'black' and a.bucket = 'suboptimal') as black,
        count(*) filter (where v.verdict = 'low_quality' and a.bucket = 'suboptimal') as low_quality,
        count(*) filter (where v.verdict is null and coalesce(l.state, '') <> 'quarantined') as waiting,
        count(*) filter (where v.verdict is null and l.state = 'quarantined') as quarantined
    from image_allocation a
    join extraction e on e.sop_instance_uid = a.sop_instance_uid and e.completed_at is not null
    left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
    left join ledger_item l on v.verdict is null and l.function = 'quality'
        and l.bucket = a.home_bucket and l.key = a.key and l.state = 'quarantined'
)
select file.found as files_found, file.skipped as files_skipped, file.waiting as files_waiting,
    file.erased as files_erased, file.held as files_held, file.quarantined as files_quarantined, file.extracted as files_extracted,
    file.duplicates as files_duplicate,
    file.found - file.skipped - file.waiting - file.erased - file.held - file.quarantined - file.extracted as files_difference,
    frame.frames, image_state.good as images_good, image_state.black as images_black,
    image_state.low_quality as images_low_quality, image_state.waiting as images_waiting,
    image_state.quarantined as images_quarantined,
    frame.frames - image_state.good - image_state.black - image_state.low_quality - image_state.waiting
        - image_state.quarantined as images_difference
from file, frame, image_state;
comment on view balance is 'Where every file and every frame is; both differences are 0 at any moment.';

create view image_overview as
select a.sop_instance_uid, a.frame, a.bucket, a.key, v.verdict, v.score, v.reasons, v.confidence, v.model_version,
    e.is_localizer,
    i.series_instance_uid, se.study_instance_uid, st.patient_id, se.modality, se.body_part, se.laterality,
    i.view_position, st.study_date, p.sex, i.age_years, im."rows", im."columns", im.sha256, im.recipe,
    im.recipe_version
from image_allocation a
join extraction e using (sop_instance_uid)
join image im using (sop_instance_uid, frame)
join instance i using (sop_instance_uid)
join series se using (series_instance_uid)
join study st using (study_instance_uid)
join patient p using (patient_id)
left join verdict v using (sop_instance_uid, frame);
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
