-- Parts of the queries of listed files. Those that settled_total includes are found by how they were counted, the others by
-- the states of items; the conditions are those of the view file_state (infra/health/schema.sql).

-- name: arrived
select id from source_file
where (%(since)s::timestamptz is null or found_at >= %(since)s) and (%(until)s::timestamptz is null or found_at < %(until)s)
    and id < %(before)s
order by id desc limit %(most)s;

-- name: found_nas
select id from source_file where id < %(before)s order by id desc limit %(most)s;

-- name: found_direct
select id from (
    (select id from ledger_item where counted_as <> 'done' and id < %(before)s order by id desc limit %(most)s)
    union
    (select ledger_id from file_state where counted_as is null and source_file_id is null and ledger_id < %(before)s
        order by 1 desc limit %(most)s)) found
order by id desc limit %(most)s;

-- name: waiting_nas
select distinct source_file_id as id from file_state where counted_as is null and waiting and source_file_id < %(before)s
order by 1 desc limit %(most)s;

-- name: waiting_direct
select id from ledger_item l
where function = 'extract' and bucket = 'raw' and state in ('running', 'retry') and counted_as is null and id < %(before)s
    and not exists (select from source_file s where s.raw_key = l.key and (s.etag = l.etag or s.etag is null))
order by id desc limit %(most)s;

-- name: difference_nas
-- Files that meet no condition, or two.
select distinct source_file_id as id from file_state
where counted_as is null and source_file_id < %(before)s
    and skipped::int + waiting::int + erased::int + held::int + refused::int + quarantined::int + extracted::int <> 1
order by 1 desc limit %(most)s;

-- name: difference_direct
select ledger_id as id from file_state
where counted_as is null and source_file_id is null and ledger_id < %(before)s
    and skipped::int + waiting::int + erased::int + held::int + refused::int + quarantined::int + extracted::int <> 1
order by 1 desc limit %(most)s;

-- name: nas_counted
select id from ((select id from source_file where id < %(before)s

-- name: nas_source
    order by id desc limit %(most)s)
union
    (select id from source_file where counted_as is null and id < %(before)s

-- name: nas_items
    order by id desc limit %(most)s)
union
    (select s.id from ledger_item l join source_file s on s.raw_key = l.key and (s.etag = l.etag or s.etag is null)
    left join extraction e using (sop_instance_uid)
    where l.function = 'extract' and l.bucket = 'raw' and l.state = 'done' and l.counted_as is null
        and s.counted_as is null and s.id < %(before)s

-- name: direct_counted
select id from ((select id from ledger_item where counted_as <> 'done' and id < %(before)s

-- name: direct_items
    order by id desc limit %(most)s)
union
    (select l.id from ledger_item l left join extraction e using (sop_instance_uid)
    where l.function = 'extract' and l.bucket = 'raw' and l.state = 'done' and l.counted_as is null and l.id < %(before)s
        and not exists (select from source_file s where s.raw_key = l.key and (s.etag = l.etag or s.etag is null))

-- name: end
    order by 1 desc limit %(most)s)) found
order by id desc limit %(most)s;

-- name: counted_extracted
    and counted_as in ('extracted', 'duplicate')

-- name: source_extracted
    and false

-- name: item_extracted
    and l.outcome in ('extracted', 'duplicate') and e.completed_at is not null

-- name: counted_skipped
    and counted_as = 'skipped'

-- name: source_skipped
    and state = 'skipped'

-- name: item_skipped
    and l.outcome in ('skipped', 'withdrawn')

-- name: counted_erased
    and counted_as = 'erased'

-- name: source_erased
    and false

-- name: item_erased
    and l.outcome = 'erased'

-- name: shown
select s.id as file, max(l.id) as item, max(l.state) as state, max(l.outcome) as outcome, s.state as source_state,
    coalesce(max(l.cause), s.cause) as cause, s.folder_id as folder, s.found_at as since
from source_file s
left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
where s.id = any(%(files)s::bigint[]) group by s.id
union all
select null, id, state, outcome, null, cause, null, first_seen_at from ledger_item where id = any(%(items)s::bigint[]);
