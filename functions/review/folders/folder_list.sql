-- Queries of the folders of the NAS. Each counts only the files of the folders of one page.

-- name: listed
select f.id, f.name, f.processed_at, f.cause, (select count(*) from source_file s where s.folder_id = f.id) as files
from source_folder f
where %(before)s::bigint is null or f.id < %(before)s order by f.id desc limit %(most)s;

-- name: numbers
-- Files by what became of them (as in the view file_state) and cause, and images; an image whose file was found twice
-- counts in each of the folders.
with file as materialized (
    select s.folder_id, e.sop_instance_uid, coalesce(l.cause, s.cause) as cause, case
        when s.state = 'skipped' or (l.state = 'done' and l.outcome in ('skipped', 'withdrawn')) then 'skipped'
        when l.state in ('held', 'refused', 'quarantined') then l.state
        when l.state = 'done' and l.outcome = 'erased' then 'erased'
        when l.state = 'done' and e.completed_at is not null then 'extracted'
        else 'waiting' end as state
    from source_file s
    left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
        and (l.etag = s.etag or s.etag is null)
    left join extraction e using (sop_instance_uid)
    where s.folder_id = any(%(folders)s::bigint[])
), own as materialized (
    select f.folder_id, a.image_id, v.verdict = 'good' and a.bucket = a.allocated_bucket as is_good
    from (select distinct folder_id, sop_instance_uid from file where state = 'extracted') f
    join image_allocation a using (sop_instance_uid)
    left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
), labelled as materialized (
    select distinct image_id from current_label where image_id = any(array(select image_id from own))
)
select folder_id, state, cause, count(*) as number from file group by folder_id, state, cause
union all
select folder_id, unnest(array['images', 'good', 'labelled']), null, unnest(array[count(*),
    count(*) filter (where is_good), count(*) filter (where image_id in (select image_id from labelled))])
from own group by folder_id
order by number desc, state, cause;
