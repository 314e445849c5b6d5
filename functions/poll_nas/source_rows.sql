-- Queries for the rows of folders and files of the NAS.

-- name: folder
select id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark from source_folder
where name = %(name)s order by generation desc limit 1;

-- name: new_folder
insert into source_folder (name, generation)
select %(name)s, coalesce(max(generation), 0) + 1 from source_folder where name = %(name)s
returning id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark;

-- name: known_folders
-- The folders that the names in a listing of the root belong to: unmarked ones by name, marked ones by mark.
select distinct on (mark, name) id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark,
    exists (select from source_file s where s.folder_id = f.id and s.state = 'waiting') as has_waiting
from source_folder f
where (mark is null and name = any(%(names)s::text[])) or mark = any(%(names)s::text[])
order by mark, name, generation desc;

-- name: unknown_marks
insert into nas_root (unknown_marks) values (%(number)s)
on conflict (one) do update set unknown_marks = excluded.unknown_marks, changed_at = now()
where nas_root.unknown_marks <> excluded.unknown_marks;

-- name: lock
select pg_try_advisory_xact_lock(hashtext('poll_nas')) as is_locked;

-- name: alive
select 1;

-- name: create_listing
-- The files of one listing, until the end of the transaction.
create temporary table if not exists listing (
    path text, size bigint, modified_at timestamptz, cause text, is_blocked boolean)
on commit delete rows;

-- name: copy_listing
copy listing (path, size, modified_at, cause, is_blocked) from stdin;

-- name: gone_files
-- No listing of the NAS has the files unpacked from an archive: they are gone with their archive. Files below a
-- folder that could not be listed are not gone.
with gone as (
    update source_file s set state = 'skipped', blocked = false, tried_at = null, cause = case
        when blocked and cause = %(upload)s then %(upload_ended)s
        when blocked then %(fault_ended)s
        else %(gone)s end
    where folder_id = %(id)s and state = 'waiting' and archive_id is null
        and not exists (select from listing l where l.path = s.path)
        and not exists (select from listing l where l.is_blocked and starts_with(s.path, l.path || '/'))
    returning id
), archived as (
    update source_file s set state = 'skipped', cause = %(gone)s
    where folder_id = %(id)s and state = 'waiting' and archive_id in (select id from gone)
    returning id
)
select count(*) as gone from gone;

-- name: changed_files
update source_file s
set size = l.size, modified_at = l.modified_at, blocked = l.is_blocked, tried_at = null,
    cause = case when l.is_blocked then l.cause end
from listing l
where s.folder_id = %(id)s and s.state = 'waiting' and s.archive_id is null and s.path = l.path
    and (s.size, s.modified_at, s.blocked) is distinct from (l.size, l.modified_at, l.is_blocked);

-- name: changed_causes
-- Another cause is no change of the file, so it does not end the quiet time.
update source_file s set cause = l.cause
from listing l
where s.folder_id = %(id)s and s.state = 'waiting' and s.blocked and s.path = l.path and s.cause is distinct from l.cause;

-- name: new_files
-- Other content becomes a new version, linked to the version before. A new folder with the name of an
-- earlier one has its own rows, linked to those of the earlier folder.
with newest as (
    select distinct on (path) path, id, state, size, modified_at, cause from source_file
    where folder_id = %(id)s and archive_id is null order by path, version desc
), changed as (
    select distinct on (l.path) l.*
    from listing l left join newest n using (path)
    where n.id is null or (n.state <> 'waiting' and (l.cause is null or l.is_blocked) and (
        n.cause in (%(gone)s, %(upload_ended)s, %(fault_ended)s)
        or (n.size, n.modified_at) is distinct from (l.size, l.modified_at)))
), before as (
    select distinct on (s.path) s.path, s.id,
        case when s.folder_id = %(id)s then s.version else 0 end as version
    from source_file s
    join source_folder f on f.id = s.folder_id
    where f.name = (select name from source_folder where id = %(id)s) and f.id <= %(id)s
        and s.path in (select path from changed)
    order by s.path, s.folder_id desc, s.version desc
), added as (
    insert into source_file (folder_id, path, version, size, modified_at, state, cause, blocked, replaces)
    select %(id)s, n.path, coalesce(b.version, 0) + 1, n.size, n.modified_at,
        case when n.cause is null or n.is_blocked then 'waiting' else 'skipped' end, n.cause, n.is_blocked, b.id
    from changed n left join before b using (path)
    returning state
)
select count(*) as found, count(*) filter (where state = 'skipped') as skipped from added;

-- name: count_waiting
select count(*) as waiting, count(*) filter (where blocked) as blocked, max(cause) filter (where blocked) as cause
from source_file where folder_id = %(id)s and state = 'waiting' and archive_id is null;

-- name: waiting
select id, path, version, size, modified_at, tried_at from source_file
where folder_id = %(id)s and state = 'waiting' and archive_id is null and not blocked and tried_at is null
    and id > %(last)s
order by id limit %(most)s;

-- name: failed_copies
-- Those that failed before the visit began, so that a poll tries each file once. A time in the future means that
-- the clock was moved back since.
select id, path, version, size, modified_at, tried_at from source_file
where folder_id = %(id)s and state = 'waiting' and archive_id is null and not blocked
    and (tried_at < %(before)s or tried_at > clock_timestamp()) and (tried_at, id) > (%(tried_at)s, %(last)s)
order by tried_at, id limit %(most)s;

-- name: failed_copy
update source_file set cause = %(cause)s, tried_at = clock_timestamp() where id = %(id)s and state = 'waiting';

-- name: give_up_uploads
update source_file set state = 'skipped', blocked = false, cause = %(given_up)s
where folder_id = %(id)s and state = 'waiting' and blocked and cause = %(upload)s;

-- name: visited
-- now() is the start of the visit: the end of one visit is compared with the start of the next. If
-- quiet_since is in the future, the clock was moved back since that visit, and the quiet time starts again.
update source_folder
set looked_at = now(), listed_time = %(listed_time)s, cause = null,
    quiet_since = case when %(is_quiet)s and quiet_since <= now() then quiet_since else clock_timestamp() end
where id = %(id)s
returning id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark;

-- name: failed_visit
update source_folder set looked_at = now(), cause = %(cause)s where id = %(id)s;

-- name: present_folders
update source_folder set absent_since = null, cause = null
where absent_since is not null and coalesce(mark, name) = any(%(names)s::text[]);

-- name: close_absent_folders
-- Only of folders that an earlier poll missed, too.
update source_file s set state = 'skipped', blocked = false, tried_at = null, cause = %(gone)s
from source_folder f
where s.folder_id = f.id and s.state = 'waiting' and f.absent_since is not null
    and coalesce(f.mark, f.name) <> all(%(names)s::text[]);

-- name: absent_folders
update source_folder f set absent_since = now(), cause = %(absent)s
where absent_since is null and name <> '' and coalesce(mark, name) <> all(%(names)s::text[])
    and (cause is not null or exists (select from source_file s where s.folder_id = f.id and s.state = 'waiting'));

-- name: closed_folders
update source_folder f set cause = null
where absent_since is not null and cause is not null
    and not exists (select from source_file s where s.folder_id = f.id and s.state = 'waiting');

-- name: known_keys
select distinct raw_key from source_file where raw_key = any(%(keys)s);

-- name: plan_copies
update source_file s set raw_key = p.raw_key
from unnest(%(ids)s::bigint[], %(raw_keys)s::text[]) as p (id, raw_key)
where s.id = p.id and s.raw_key is distinct from p.raw_key;

-- name: copied
-- Announces the copies to extract in the same statement: they are due even if their events are lost.
with copied as (
    update source_file s
    set state = 'copied', raw_key = c.raw_key, etag = c.etag, sha256 = c.sha256, copied_at = now(), cause = null,
        tried_at = null
    from unnest(%(ids)s::bigint[], %(raw_keys)s::text[], %(etags)s::text[], %(sha256s)s::text[])
        as c (id, raw_key, etag, sha256)
    where s.id = c.id
    returning s.raw_key, s.etag, s.size
)
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
select 'extract', 'raw', raw_key, etag, size, 'retry', 0, now() from copied
on conflict do nothing;

-- name: plan_unpacked
-- An archive whose unpacking was interrupted is unpacked again; files already in raw stay as they are.
insert into source_file (folder_id, archive_id, path, version, size, modified_at, state, cause, raw_key, replaces)
select folder_id, id, %(path)s, version, %(size)s, modified_at, %(state)s, %(cause)s, %(raw_key)s,
    (select max(s.id) from source_file s where s.folder_id = a.folder_id and s.path = %(path)s and s.version < a.version)
from source_file a where id = %(archive_id)s
on conflict (folder_id, path, version) do update
set size = excluded.size, modified_at = excluded.modified_at, cause = excluded.cause, raw_key = excluded.raw_key,
    state = case
        when source_file.state = 'copied' and source_file.size = excluded.size
            and source_file.modified_at = excluded.modified_at then 'copied'
        else excluded.state end
where source_file.archive_id is not null
returning id, state;

-- name: skipped
update source_file set state = 'skipped', cause = %(cause)s, sha256 = %(sha256)s, tried_at = null where id = %(id)s;

-- name: plan_mark
update source_folder set planned_mark = %(mark)s where id = %(id)s;

-- name: planned_marks
select id, name, generation, quiet_since, looked_at, listed_time, processed_at, planned_mark as mark
from source_folder where planned_mark is not null and processed_at is null;

-- name: processed
update source_folder set processed_at = now(), mark = %(mark)s where id = %(id)s;
