-- Queries of `dcm2set held`.

-- name: held
-- With the number of the NAS folder, never its name.
select l.id, l.cause, l.device, l.releases, l.blank, l.text_boxes, l.size,
    coalesce(l.moved_to_bucket, l.bucket) as bucket, coalesce(l.moved_to_key, l.key) as key,
    (select max(s.folder_id) from source_file s where l.bucket = 'raw' and s.raw_key = l.key) as folder
from ledger_item l
where l.id = any(%(items)s::bigint[]) and l.state = 'held'
order by l.id;
