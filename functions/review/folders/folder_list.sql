-- Queries of the folders of the NAS. Each counts only the files of the folders of one page.

-- name: listed
select id, name, generation, looked_at, processed_at, cause from source_folder
where %(before)s::bigint is null or id < %(before)s order by id desc limit %(most)s;

-- name: files
-- By folder; the conditions are those of the view file_state.
with file as (
    select s.folder_id, s.state as source_state, l.id as ledger_id, l.state, l.outcome, e.completed_at
    from source_file s
    left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
        and (l.etag = s.etag or s.etag is null)
    left join extraction e using (sop_instance_uid)
    where s.folder_id = any(%(folders)s::bigint[])
)
select folder_id, count(*) as found,
    count(*) filter (where state = 'done' and outcome in ('extracted', 'duplicate') and completed_at is not null) as extracted,
    count(*) filter (where source_state = 'skipped' or state = 'done' and outcome in ('skipped', 'withdrawn')) as skipped,
    count(*) filter (where source_state <> 'skipped' and (ledger_id is null or state in ('running', 'retry'))) as waiting,
    count(*) filter (where state = 'held') as held,
    count(*) filter (where state = 'refused') as refused,
    count(*) filter (where state = 'quarantined') as quarantined,
    count(*) filter (where state = 'done' and outcome = 'erased') as erased
from file group by folder_id;

-- name: images
-- By folder; an image whose file was found twice counts in each of the folders.
with own as materialized (
    select distinct s.folder_id, a.image_id, a.bucket = a.allocated_bucket and v.verdict = 'good' as is_good
    from source_file s
    join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
        and (l.etag = s.etag or s.etag is null)
    join image_allocation a using (sop_instance_uid)
    left join verdict v using (sop_instance_uid, frame)
    where s.folder_id = any(%(folders)s::bigint[]) and l.state = 'done'
), labelled as materialized (
    select distinct image_id from current_label where image_id = any(array(select image_id from own))
)
select folder_id, count(*) as images, count(*) filter (where is_good) as good, count(l.image_id) as labelled
from own left join labelled l using (image_id) group by folder_id;

-- name: causes
-- What waits, by folder, with the most frequent cause first.
select s.folder_id, coalesce(l.state, s.state) as state, coalesce(l.cause, s.cause) as cause, count(*) as files
from source_file s
left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
where s.folder_id = any(%(folders)s::bigint[])
    and (l.state in ('running', 'retry', 'held', 'refused', 'quarantined')
        or (l.id is null and s.state in ('waiting', 'copied')))
group by s.folder_id, 2, 3 order by files desc, state, cause;
