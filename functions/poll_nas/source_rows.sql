-- Rows of the NAS, by name.

-- name: folder
select id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark from source_folder
where name = %(name)s order by generation desc limit 1;

-- name: new_folder
insert into source_folder (name, generation)
select %(name)s, coalesce(max(generation), 0) + 1 from source_folder where name = %(name)s
returning id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark;

-- name: known_folders
-- What the names in a listing of the root stand for: folders not yet marked, and marked ones.
select distinct on (mark, name) id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark,
    exists (select from source_file s where s.folder_id = f.id and s.state = 'waiting') as has_waiting
from source_folder f
where (mark is null and name = any(%(names)s::text[])) or mark = any(%(names)s::text[])
order by mark, name, generation desc;

-- name: files
-- What was unpacked from an archive is in no listing of the NAS.
select distinct on (path) id, path, version, size, modified_at, state, cause from source_file
where folder_id = %(folder_id)s and archive_id is null order by path, version desc;

-- name: new_file
insert into source_file (folder_id, path, version, size, modified_at, state, cause)
values (%(folder_id)s, %(path)s, %(version)s, %(size)s, %(modified_at)s, %(state)s, %(cause)s);

-- name: changed_file
update source_file set size = %(size)s, modified_at = %(modified_at)s
where id = %(id)s and state = 'waiting';

-- name: gone_files
update source_file set state = 'skipped', cause = %(cause)s
where id = any(%(ids)s::bigint[]) and state = 'waiting';

-- name: looked
-- A folder quiet since a moment yet to come was looked at before the clock was moved back.
update source_folder
set looked_at = now(), listed_time = %(listed_time)s,
    quiet_since = case when %(is_quiet)s and quiet_since <= now() then quiet_since else now() end
where id = %(id)s
returning id, name, generation, quiet_since, looked_at, listed_time, processed_at, mark;

-- name: plan_copy
update source_file set raw_key = %(raw_key)s where id = %(id)s;

-- name: copied
update source_file
set state = 'copied', raw_key = %(raw_key)s, etag = %(etag)s, sha256 = %(sha256)s, copied_at = now()
where id = %(id)s;

-- name: plan_unpacked
-- An archive whose unpacking was interrupted is unpacked again; what is in raw already stays.
insert into source_file (folder_id, archive_id, path, version, size, modified_at, state, cause, raw_key)
select folder_id, id, %(path)s, version, %(size)s, modified_at, %(state)s, %(cause)s, %(raw_key)s
from source_file where id = %(archive_id)s
on conflict (folder_id, path, version) do update
set size = excluded.size, modified_at = excluded.modified_at, cause = excluded.cause, raw_key = excluded.raw_key,
    state = case
        when source_file.state = 'copied' and source_file.size = excluded.size
            and source_file.modified_at = excluded.modified_at then 'copied'
        else excluded.state end
where source_file.archive_id is not null
returning id, state;

-- name: skipped
update source_file set state = 'skipped', cause = %(cause)s, sha256 = %(sha256)s where id = %(id)s;

-- name: plan_mark
update source_folder set planned_mark = %(mark)s where id = %(id)s;

-- name: planned_marks
select id, name, generation, quiet_since, looked_at, listed_time, processed_at, planned_mark as mark
from source_folder where planned_mark is not null and processed_at is null;

-- name: processed
update source_folder set processed_at = now(), mark = %(mark)s where id = %(id)s;
