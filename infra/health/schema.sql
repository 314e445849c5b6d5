-- The balance: how many files and images are in which state.

-- Joins the files found on the NAS with the items of extract, so that each file appears once.
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
comment on view ledger_file is 'Every file: found on the NAS, put into raw directly, or both.';

-- Each category has its own condition over other tables. A file that meets no condition, or two, makes a difference
-- in the balance.
create view file_state as
select f.source_file_id, f.ledger_id, f.counted_as,
    coalesce(source_state = 'skipped' or (state = 'done' and outcome in ('skipped', 'withdrawn')), false) as skipped,
    coalesce(coalesce(source_state, 'copied') <> 'skipped' and (ledger_id is null or state in ('running', 'retry')),
        false) as waiting,
    coalesce(state = 'done' and outcome = 'erased', false) as erased,
    coalesce(state = 'held', false) as held,
    coalesce(state = 'refused', false) as refused,
    coalesce(state = 'quarantined', false) as quarantined,
    coalesce(state = 'done' and outcome in ('extracted', 'duplicate') and e.completed_at is not null, false)
        as extracted,
    coalesce(state = 'done' and outcome = 'duplicate' and e.completed_at is not null, false) as duplicate
from ledger_file f left join extraction e using (sop_instance_uid);
comment on view file_state is 'Every file and the conditions that it meets: exactly one, if nothing is wrong.';

-- The same for images: each category has its own condition.
create view image_state as
select e.sop_instance_uid, a.frame, a.allocated_bucket, a.key, a.allocated_at, e.completed_at, e.counted_images,
    coalesce(v.verdict = 'good' and a.bucket = a.allocated_bucket, false) as good,
    coalesce(v.verdict = 'review' and a.bucket = a.allocated_bucket, false) as review,
    coalesce(v.verdict = 'black' and a.bucket = 'suboptimal', false) as black,
    coalesce(v.verdict = 'low_quality' and a.bucket = 'suboptimal', false) as low_quality,
    v.verdict is null and l.state is null as waiting,
    v.verdict is null and l.state is not null as quarantined
from extraction e
join image_allocation a using (sop_instance_uid)
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
left join ledger_item l on v.verdict is null and l.function = 'quality'
    and l.bucket = a.allocated_bucket and l.key = a.key and l.state = 'quarantined'
where e.completed_at is not null;
comment on view image_state is 'Every image of an extracted instance and the conditions that it meets: exactly one, if nothing is wrong.';

-- Rows that settled_total does not include yet are counted, and the totals are added, so that the cost does not grow
-- with the number of settled files.
create view balance as
with total as (
    select coalesce(sum(number) filter (where subject = 'file'), 0)::bigint as found,
        coalesce(sum(number) filter (where subject = 'file' and category = 'skipped'), 0)::bigint as skipped,
        coalesce(sum(number) filter (where subject = 'file' and category = 'erased'), 0)::bigint as erased,
        coalesce(sum(number) filter (where subject = 'file' and category in ('extracted', 'duplicate')), 0)::bigint as extracted,
        coalesce(sum(number) filter (where subject = 'file' and category = 'duplicate'), 0)::bigint as duplicates,
        coalesce(sum(number) filter (where subject = 'image' and category = 'frames'), 0)::bigint as frames,
        coalesce(sum(number) filter (where subject = 'image' and category = 'good'), 0)::bigint as good,
        coalesce(sum(number) filter (where subject = 'image' and category = 'review'), 0)::bigint as review,
        coalesce(sum(number) filter (where subject = 'image' and category = 'black'), 0)::bigint as black,
        coalesce(sum(number) filter (where subject = 'image' and category = 'low_quality'), 0)::bigint as low_quality
    from settled_total
), file as (
    select count(*) as found, count(*) filter (where skipped) as skipped, count(*) filter (where waiting) as waiting,
        count(*) filter (where erased) as erased, count(*) filter (where held) as held,
        count(*) filter (where refused) as refused, count(*) filter (where quarantined) as quarantined, count(*) filter (where extracted) as extracted,
        count(*) filter (where duplicate) as duplicates
    from file_state where counted_as is null
), frame as (
    select coalesce(sum(number_of_frames), 0) as frames from extraction
    where completed_at is not null and counted_images is null
), image as (
    select count(*) filter (where good) as good, count(*) filter (where review) as review,
        count(*) filter (where black) as black,
        count(*) filter (where low_quality) as low_quality, count(*) filter (where waiting) as waiting,
        count(*) filter (where quarantined) as quarantined
    from image_state where counted_images is null
), counts as (
    select t.found + f.found as files_found, t.skipped + f.skipped as files_skipped, f.waiting as files_waiting,
        t.erased + f.erased as files_erased, f.held as files_held, f.refused as files_refused,
        f.quarantined as files_quarantined,
        t.extracted + f.extracted as files_extracted, t.duplicates + f.duplicates as files_duplicate,
        t.frames + r.frames as frames, t.good + i.good as images_good, t.review + i.review as images_review,
        t.black + i.black as images_black, t.low_quality + i.low_quality as images_low_quality, i.waiting as images_waiting,
        i.quarantined as images_quarantined
    from total t, file f, frame r, image i
)
select *,
    files_found - files_skipped - files_waiting - files_erased - files_held - files_refused - files_quarantined
        - files_extracted
        as files_difference,
    frames - images_good - images_review - images_black - images_low_quality - images_waiting - images_quarantined
        as images_difference
from counts;
comment on view balance is 'Number of files and images by state; both differences are always 0.';

-- Checks the totals: dcm2set status --recount compares it with the balance.
create view balance_recount as
with file as (
    select count(*) as files_found, count(*) filter (where skipped) as files_skipped,
        count(*) filter (where waiting) as files_waiting, count(*) filter (where erased) as files_erased,
        count(*) filter (where held) as files_held, count(*) filter (where refused) as files_refused,
        count(*) filter (where quarantined) as files_quarantined,
        count(*) filter (where extracted) as files_extracted, count(*) filter (where duplicate) as files_duplicate
    from file_state
), frame as (
    select coalesce(sum(number_of_frames), 0) as frames from extraction where completed_at is not null
), image as (
    select count(*) filter (where good) as images_good, count(*) filter (where review) as images_review,
        count(*) filter (where black) as images_black,
        count(*) filter (where low_quality) as images_low_quality, count(*) filter (where waiting) as images_waiting,
        count(*) filter (where quarantined) as images_quarantined
    from image_state
), counts as (select * from file, frame, image)
select *,
    files_found - files_skipped - files_waiting - files_erased - files_held - files_refused - files_quarantined
        - files_extracted
        as files_difference,
    frames - images_good - images_review - images_black - images_low_quality - images_waiting - images_quarantined
        as images_difference
from counts;
comment on view balance_recount is 'The balance counted over all rows, without the totals; slow.';
