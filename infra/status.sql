-- What `dcm2set status` asks, by name.

-- name: functions
select function,
    count(*) filter (where state = 'running') as running,
    count(*) filter (where state = 'retry') as retry,
    count(*) filter (where state = 'held') as held,
    count(*) filter (where state = 'quarantined') as quarantined,
    count(*) filter (where state = 'done') as done,
    extract(epoch from now() - min(first_seen_at) filter (where state in ('running', 'retry'))) as oldest_seconds
from ledger_item group by function;

-- name: unclaimed
select extract(epoch from now() - o.since)::float8 as seconds
from unnest(%(keys)s::text[], %(etags)s::text[], %(since)s::timestamptz[]) as o (key, etag, since)
where not exists (
    select from ledger_item l where l.function = %(function)s and l.key = o.key and l.etag = o.etag);

-- name: not_copied
select extract(epoch from now() - found_at)::float8 as seconds from source_file where state = 'waiting';

-- name: not_checked
select extract(epoch from now() - a.allocated_at)::float8 as seconds
from image_allocation a
join extraction e on e.sop_instance_uid = a.sop_instance_uid and e.completed_at is not null
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where v.verdict is null and not exists (
    select from ledger_item l where l.function = 'quality' and l.bucket = a.home_bucket and l.key = a.key);

-- name: last_arrived
select extract(epoch from now() - (select max(found_at) from source_file))::float8 as nas_seconds,
    extract(epoch from now() - (select max(first_seen_at) from ledger_item l
        where function = 'extract' and bucket = 'raw' and not exists (
            select from source_file s where s.raw_key = l.key)))::float8 as raw_seconds,
    extract(epoch from now() - (select max(first_seen_at) from ledger_item
        where function = 'annotations'))::float8 as annotations_seconds;

-- name: balance
select * from balance;

-- name: labels
select (select count(*) from label) as on_images,
    (select count(*) from held_label where label_id is not null) as held,
    (select count(*) from group_label) as on_groups,
    (select count(*) from label_import) as files;

-- name: buckets
select b.bucket, b.allocated, b.capacity, count(a.*) filter (where a.bucket = b.bucket) as images_here
from image_bucket b left join image_allocation a on a.home_bucket = b.bucket
group by b.bucket order by b.bucket;

-- name: aside
select function, state, cause, min(next_step) as next_step, count(*) as items,
    (array_agg(id order by id))[1:20] as item_ids,
    (array_agg(distinct device) filter (where device is not null))[1:20] as devices
from ledger_item where state in ('held', 'quarantined')
group by function, state, cause order by function, state, items desc;
