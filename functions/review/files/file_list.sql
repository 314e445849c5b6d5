-- Parts of the queries of listed files. Those that settled_total includes are found by how they were counted; the others
-- as the balance counts them (infra/health/schema.sql).

-- name: arrived
select id from source_file
where (%(since)s::timestamptz is null or found_at >= %(since)s) and (%(until)s::timestamptz is null or found_at < %(until)s)
    and id < %(before)s
order by id desc limit %(most)s;

-- name: of_nas
select id from ((select id from source_file where id < %(before)s

-- name: of_nas_uncounted
    order by id desc limit %(most)s)
union
    (select source_file_id from file_state where counted_as is null and source_file_id < %(before)s

-- name: direct
select id from ((select id from ledger_item where counted_as <> 'done' and id < %(before)s

-- name: direct_uncounted
    order by id desc limit %(most)s)
union
    (select ledger_id from file_state where counted_as is null and source_file_id is null and ledger_id < %(before)s

-- name: end
    order by 1 desc limit %(most)s)) found
order by id desc limit %(most)s;

-- name: counted_found

-- name: is_found

-- name: counted_waiting
    and false

-- name: is_waiting
    and waiting

-- name: counted_extracted
    and counted_as in ('extracted', 'duplicate')

-- name: is_extracted
    and extracted

-- name: counted_skipped
    and counted_as = 'skipped'

-- name: is_skipped
    and skipped

-- name: counted_erased
    and counted_as = 'erased'

-- name: is_erased
    and erased

-- name: counted_difference
    and false

-- name: is_difference
    and skipped::int + waiting::int + erased::int + held::int + refused::int + quarantined::int + extracted::int <> 1

-- name: shown
select s.id as file, max(l.id) as item, max(l.state) as state, max(l.outcome) as outcome, s.state as source_state,
    coalesce(max(l.cause), s.cause) as cause, s.folder_id as folder, s.found_at as since
from source_file s
left join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
where s.id = any(%(files)s::bigint[]) group by s.id
union all
select null, id, state, outcome, null, cause, null, first_seen_at from ledger_item where id = any(%(items)s::bigint[]);
