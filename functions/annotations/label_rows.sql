-- Label rows, by name.

-- name: find_images
-- By whole key; else by "<sop instance uid>/<frame>.png" at its end; else by bare file name.
with wanted as (
    select * from unnest(%(names)s::text[], %(keys)s::text[]) as w (name, suffix)
), hit as (
    select w.name, a.sop_instance_uid, a.frame
    from wanted w join image_allocation a on a.key = w.suffix
    union
    select w.name, a.sop_instance_uid, a.frame
    from wanted w join image_allocation a
        on a.sop_instance_uid = substring(w.suffix from '([^/]+)/[^/]+$') and right(a.key, length(w.suffix) + 1) = '/' || w.suffix
    where w.suffix like '%%/%%'
    union
    select w.name, a.sop_instance_uid, a.frame
    from wanted w join image_allocation a on w.suffix = a.frame || '.png'
)
select name, count(*)::int as number, min(sop_instance_uid) as sop_instance_uid, min(frame) as frame
from hit group by name;

-- name: new_import
insert into label_import (key, etag, accepted, held, refused)
values (%(key)s, %(etag)s, %(accepted)s, %(held)s, %(refused)s)
on conflict (key, etag) do nothing returning id;

-- name: new_label
insert into label (import_id, line, image, label, value, sop_instance_uid, frame)
values (%(import_id)s, %(line)s, %(image)s, %(label)s, %(value)s, %(sop_instance_uid)s, %(frame)s);

-- name: held_names
select distinct image from label where sop_instance_uid is null limit 10000;

-- name: apply_held
update label set sop_instance_uid = f.uid, frame = f.frame
from unnest(%(names)s::text[], %(uids)s::text[], %(frames)s::int[]) as f (name, uid, frame)
where label.sop_instance_uid is null and label.image = f.name;
