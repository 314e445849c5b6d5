-- Queries of `dcm2set trace`. They return no path and no key of raw: these may identify a patient.

-- name: item
select l.id, l.function, l.bucket, l.key, coalesce(l.sop_instance_uid, c.sop_instance_uid) as sop_instance_uid, l.source
from ledger_item l left join item_conflict c on c.item_id = l.id where l.id = %(id)s;

-- name: items_of_file
select l.id, coalesce(l.sop_instance_uid, c.sop_instance_uid) as sop_instance_uid from source_file s
join ledger_item l on l.function = 'extract' and l.bucket = 'raw' and l.key = s.raw_key
    and (l.etag = s.etag or s.etag is null)
left join item_conflict c on c.item_id = l.id
where s.id = any(%(ids)s::bigint[]) order by s.id desc, l.id desc;

-- name: known
select from extraction where sop_instance_uid = %(uid)s
union all
select from ledger_item where sop_instance_uid = %(uid)s
union all
select from item_conflict where sop_instance_uid = %(uid)s
limit 1;

-- name: files_at
-- Files at a path of the NAS, the newest first. The folder may have the name that it had before it was marked.
select s.id from unnest(%(folders)s::text[], %(paths)s::text[]) with ordinality as asked (folder, path, place)
join source_folder f on asked.folder in (f.name, f.mark)
join source_file s on s.folder_id = f.id and s.path = asked.path
order by asked.place, s.id desc;

-- name: items_at
-- Items of an object in raw, by the key that it has now or had when it arrived.
select l.id, coalesce(l.sop_instance_uid, c.sop_instance_uid) as sop_instance_uid
from ledger_item l left join item_conflict c on c.item_id = l.id
where function = 'extract' and bucket = 'raw' and key = any(%(keys)s::text[]);

-- name: image_at
select sop_instance_uid, frame from image_allocation where key = %(key)s and %(bucket)s in (bucket, allocated_bucket);

-- name: file
select s.id, s.folder_id, s.version, s.size, s.state, s.cause, s.archive_id, s.found_at, s.copied_at,
    f.processed_at as folder_processed_at
from source_file s join source_folder f on f.id = s.folder_id
where s.id in (
    select unnest(%(ids)s::bigint[])
    union
    select o.id from ledger_item l join source_file o on o.raw_key = l.key
    where l.id = any(%(items)s::bigint[]) and l.function = 'extract')
order by s.id;

-- name: instance
select sop_instance_uid, item_id, number_of_frames, modality, recipe_version, pipeline_version, allocated_at, completed_at
from extraction where sop_instance_uid = %(uid)s;

-- name: images
select a.frame, a.bucket, a.allocated_bucket, a.key, a.allocated_at, v.verdict, v.by_model, v.score, v.review_from,
    v.threshold, v.reasons, v.model_version, v.checked_at
from image_allocation a left join verdict v using (sop_instance_uid, frame)
where a.sop_instance_uid = %(uid)s and (%(frame)s::int is null or a.frame = %(frame)s) order by a.frame;

-- name: overrulings
select frame, verdict, why, decided_by, decided_at from overruling
where sop_instance_uid = %(uid)s and (%(frame)s::int is null or frame = %(frame)s) order by id;

-- name: items
-- All items of the instance: by its UID if the item has one, otherwise by the keys of its objects. Each part of the
-- union has an index; with "or", all items would be read.
select id, function, case when bucket = 'raw' then null else bucket || '/' || key end as object, state, attempts,
    outcome, cause, next_step, source, worker, released_by, released_why, released_at,
    blank, text_finding, jsonb_array_length(text_boxes) as text_places, first_seen_at, started_at,
    settled_at
from ledger_item
where id in (
    select unnest(%(items)s::bigint[])
    union
    select id from ledger_item
    where sop_instance_uid = %(uid)s and (%(frame)s::int is null or function <> 'quality')
    union
    select item_id from item_conflict where sop_instance_uid = %(uid)s
    union
    select l.id from image_allocation a
    join ledger_item l on l.function = 'quality' and l.bucket = a.allocated_bucket and l.key = a.key
    where a.sop_instance_uid = %(uid)s and (%(frame)s::int is null or a.frame = %(frame)s)
    union
    select l.id from image_allocation a
    join ledger_item l on l.function = 'store_metadata' and l.bucket = 'metadata'
        and l.key = regexp_replace(a.key, '/[^/]*$', '.json')
    where a.sop_instance_uid = %(uid)s)
order by id;

-- name: attempts
select item_id, attempt, state, outcome, cause, worker, started_at, ended_at from ledger_attempt
where item_id = any(%(items)s::bigint[]) order by item_id, attempt;

-- name: refusals
select item_id, decision, why, decided_by, decided_at from refusal
where item_id = any(%(items)s::bigint[]) order by id;

-- name: labels
select to_jsonb(l) as label from current_label l
where image_id = any(array(
    select image_id from image_allocation
    where sop_instance_uid = %(uid)s and (%(frame)s::int is null or frame = %(frame)s)))
order by frame, label;
