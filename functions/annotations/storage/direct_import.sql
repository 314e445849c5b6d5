-- Queries of the direct import, which copies rows straight into the table of labels.

-- name: direct_images
-- The images of these names, in order; without the names that do not mean exactly one known image.
select a.image_id
from rows from (json_to_recordset(%(names)s) as (uid text, frame int, path text)) with ordinality
    as n (uid, frame, path, number)
join image_allocation a on a.sop_instance_uid = n.uid and a.frame = coalesce(n.frame, 1)
where (n.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = n.uid and b.frame = 2))
    and (n.path is null or right('/' || a.key, length(n.path) + 1) = '/' || n.path)
order by n.number;

-- name: copy_direct
copy label (import_id, image_id, line, labelled_at, label_id, annotator_id, value) from stdin;

-- name: direct_superseded
-- The number of current labels that the copied rows replace.
select count(*) as number from (
    select from unnest(%(images)s::bigint[]) as i (image_id) join label l using (image_id)
    group by l.image_id, l.label_id, l.annotator_id
    having max(l.labelled_at) filter (where l.import_id <> %(id)s)
        <= max(l.labelled_at) filter (where l.import_id = %(id)s)
) replaced;
