-- Queries of `dcm2set status`.

-- name: functions
select * from ledger_state;

-- name: functions_recount
select function,
    count(*) filter (where state = 'running') as running,
    count(*) filter (where state = 'retry' and attempts > 0) as retry,
    count(*) filter (where state = 'held') as held,
    count(*) filter (where state = 'refused') as refused,
    count(*) filter (where state = 'quarantined') as quarantined,
    count(*) filter (where state = 'done') as done
from ledger_item group by function;

-- name: balance_recount
select * from balance_recount;

-- name: unclaimed
select extract(epoch from now() - o.since)::float8 as seconds
from unnest(%(buckets)s::text[], %(keys)s::text[], %(etags)s::text[], %(since)s::timestamptz[])
    as o (bucket, key, etag, since)
where not exists (
    select from ledger_item l
    where l.function = %(function)s and l.bucket = o.bucket and l.key = o.key and l.etag = o.etag);

-- name: not_copied
select extract(epoch from now() - found_at)::float8 as seconds from source_file where state = 'waiting';

-- name: nas_waiting
-- What waits on the NAS, by cause. A folder that could not be listed may have no file that is known.
select cause, sum(files)::int as files, (array_agg(distinct folder_id))[1:20] as folders,
    count(distinct folder_id) > 20 as has_more_folders, max(seconds) as oldest_seconds
from (
    select coalesce(s.cause, f.cause) as cause, s.folder_id, count(*) as files,
        extract(epoch from now() - min(s.found_at))::float8 as seconds
    from source_file s join source_folder f on f.id = s.folder_id
    where s.state = 'waiting' and s.archive_id is null group by 1, 2
    union all
    select f.cause, f.id, 0, extract(epoch from now() - f.quiet_since)::float8 from source_folder f
    where f.cause is not null and not exists (select from source_file s where s.folder_id = f.id and s.state = 'waiting')
) waiting
group by cause order by files desc, cause;

-- name: nas_refused
-- Files that may hold images and are never copied, by cause, unless another content of their path came later.
select s.cause, count(*)::int as files, (array_agg(distinct s.folder_id))[1:20] as folders,
    count(distinct s.folder_id) > 20 as has_more_folders
from source_file s
where s.state = 'skipped' and s.cause ~ '(archive, not|archive within|in its archive|partial upload that)'
    and not exists (select from source_file n where n.folder_id = s.folder_id and n.path = s.path and n.version > s.version)
group by s.cause order by files desc, s.cause;

-- name: unknown_marks
select unknown_marks as number from nas_root;

-- name: not_checked
select extract(epoch from now() - p.allocated_at)::float8 as seconds
from image_state p
where p.counted_images is null and p.waiting and not exists (
    select from ledger_item l where l.function = 'quality' and l.bucket = p.allocated_bucket and l.key = p.key);

-- name: last_arrived
-- settled_total also stores the newest time of the rows that are in its totals.
select extract(epoch from now() - (select found_at from source_file order by id desc limit 1))::float8 as nas_seconds,
    extract(epoch from now() - greatest(
        (select max(newest) from settled_total where subject = 'file'),
        (select max(l.first_seen_at) from ledger_item l
         where l.function = 'extract' and l.bucket = 'raw' and l.counted_as is null and not exists (
            select from source_file s where s.raw_key = l.key))))::float8 as raw_seconds,
    extract(epoch from now() - greatest(
        (select max(newest) from settled_total where subject = 'annotations'),
        (select max(first_seen_at) from ledger_item
         where function = 'annotations' and counted_as is null)))::float8 as annotations_seconds;

-- name: balance
select * from balance;

-- name: reconciled
-- Differences between ledger, tables and object store, by kind; and the age of the last complete comparison.
select (
    select coalesce(jsonb_object_agg(kind, number), '{}') from (
        select kind, count(*) as number from reconcile_finding
        where confirmed_at is not null and forgotten_at is null group by kind) found) as findings,
    (select extract(epoch from now() - max(started_at))::float8 from reconcile_pass where ended_at is not null)
        as age_seconds;

-- name: labels
select (select count(*) from label) as on_images,
    (select count(*) from held_label where label_id is not null) as held,
    (select count(*) from group_label) as on_groups,
    (select count(*) from label_import) as files;

-- name: buckets
-- Only the newest: all older buckets are full, and there may be thousands.
select b.bucket, b.allocated, b.capacity, (
    select count(*) from image_allocation a where a.allocated_bucket = b.bucket and a.bucket = b.bucket) as images_here
from (select * from image_bucket order by created_at desc, bucket desc limit %(most)s) b order by b.bucket;

-- name: buckets_in_all
select count(*) as number from image_bucket;

-- name: set_aside
select function, state, cause, case when state <> 'refused' then min(next_step)
        else 'To have them held again: dcm2set refuse --undo --item NUMBER --why ''…''' end as next_step, count(*) as items,
    (array_agg(id order by id))[1:20] as item_ids,
    (array_agg(distinct device) filter (where device is not null))[1:20] as devices,
    count(*) filter (where state = 'held' and text_finding = 'nothing') as nothing_found
from ledger_item where state in ('held', 'refused', 'quarantined') and counted_as is null
group by function, state, cause order by function, state, items desc;
