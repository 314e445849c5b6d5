-- Rows of the NAS, by name.

-- name: folder
select id, name, generation, quiet_since, looked_at, processed_at, mark from source_folder
where name = %(name)s order by generation desc limit 1;

-- name: new_folder
insert into source_folder (name, generation)
select %(name)s, coalesce(max(generation), 0) + 1 from source_folder where name = %(name)s
returning id, name, generation, quiet_since, looked_at, processed_at, mark;

-- name: files
select distinct on (path) id, path, version, size, modified_at, state from source_file
where folder_id = %(folder_id)s order by path, version desc;

-- name: new_file
insert into source_file (folder_id, path, version, size, modified_at, state, cause)
values (%(folder_id)s, %(path)s, %(version)s, %(size)s, %(modified_at)s, %(state)s, %(cause)s);

-- name: changed_file
update source_file set size = %(size)s, modified_at = %(modified_at)s
where id = %(id)s and state = 'waiting';

-- name: gone_files
update source_file set state = 'skipped', cause = 'gone from the NAS before it was copied'
where id = any(%(ids)s::bigint[]) and state = 'waiting';

-- name: looked
update source_folder
set looked_at = now(), quiet_since = case when %(is_quiet)s then quiet_since else now() end
where id = %(id)s
returning id, name, generation, quiet_since, looked_at, processed_at, mark;

-- name: plan_copy
update source_file set raw_key = %(raw_key)s where id = %(id)s;

-- name: copied
update source_file
set state = 'copied', raw_key = %(raw_key)s, etag = %(etag)s, sha256 = %(sha256)s, copied_at = now()
where id = %(id)s;

-- name: plan_mark
update source_folder set planned_mark = %(mark)s where id = %(id)s;

-- name: planned_marks
select id, name, generation, quiet_since, looked_at, processed_at, planned_mark as mark
from source_folder where planned_mark is not null and processed_at is null;

-- name: processed
update source_folder set processed_at = now(), mark = %(mark)s where id = %(id)s;
