-- Views, made anew after every migration: one whose columns change can't be replaced.

drop view if exists balance, ledger_file, image_overview, current_label;

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

create view current_label as
select distinct on (sop_instance_uid, frame, label)
    sop_instance_uid, frame, label, value, import_id, created_at
from label where sop_instance_uid is not null
order by sop_instance_uid, frame, label, id desc;
comment on view current_label is 'The newest value of each label of each image.';
