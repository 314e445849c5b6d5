-- Label rows, by name. An import is one transaction over temporary tables.

-- name: known_import
select id, format, accepted, repeated, superseded, held, refused from label_import
where key = %(key)s and etag = %(etag)s;

-- name: new_import
insert into label_import (key, etag, format) values (%(key)s, %(etag)s, %(format)s)
on conflict (key, etag) do nothing returning id, now();

-- name: count_import
update label_import set accepted = %(accepted)s, repeated = %(repeated)s, superseded = %(superseded)s,
    held = %(held)s, refused = %(refused)s
where id = %(id)s;

-- name: settings
-- A million rows take longer than a statement of the line may; sorts of them fit into memory.
select set_config('statement_timeout', '15min', true), set_config('work_mem', '64MB', true);

-- name: straight_images
-- The images of these names, in their order, as far as each means exactly one that is known.
select a.image_id
from rows from (json_to_recordset(%(names)s) as (uid text, frame int, path text)) with ordinality
    as n (uid, frame, path, number)
join image_allocation a on a.sop_instance_uid = n.uid and a.frame = coalesce(n.frame, 1)
where (n.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = n.uid and b.frame = 2))
    and (n.path is null or right('/' || a.key, length(n.path) + 1) = '/' || n.path
        or right('/' || n.path, length(a.key) + 1) = '/' || a.key)
order by n.number;

-- name: copy_straight
copy label (import_id, image_id, line, labelled_at, label_id, annotator_id, value) from stdin;

-- name: straight_superseded
-- How many standing labels the rows that were copied take the place of.
select count(*) as number from (
    select from unnest(%(images)s::bigint[]) as i (image_id) join label l using (image_id)
    group by l.image_id, l.label_id, l.annotator_id
    having max(l.labelled_at) filter (where l.import_id <> %(id)s)
        <= max(l.labelled_at) filter (where l.import_id = %(id)s)
) replaced;

-- name: told
-- What the file says. The name of an image stands in the first row that has its number.
create temp table told (
    line int, image_no int, label_no int, annotator_no int, control_no int, value real, labelled_at timestamptz,
    level text, uid text, frame int, path text
) on commit drop;

-- name: copy_told
copy told from stdin;

-- name: analyze_told
-- Tables that are a moment old have no statistics, and plans without them can take a thousand times longer.
analyze told (image_no, level);

-- name: analyze_told_image
analyze told_image;

-- name: analyze_said_twice
analyze said_twice;

-- name: analyze_contradictions
analyze contradiction;

-- name: analyze_answered
analyze answered;

-- name: analyze_applicable
analyze applicable;

-- name: told_image
-- What each name means: `image_id`, or `cause` why it can't be taken, or neither: not known yet.
-- `target` is the same for every name of the same thing.
create temp table told_image on commit drop as
with name as (
    select image_no, level, uid, frame, path from told where level is not null
), hit as (
    select n.image_no, a.image_id, a.key from name n
    join image_allocation a on a.sop_instance_uid = n.uid and a.frame = n.frame
    where n.level = 'image' and n.frame is not null
    union all
    select n.image_no, a.image_id, a.key from name n
    join image_allocation a on a.sop_instance_uid = n.uid
    where n.level = 'image' and n.frame is null
    union all
    select n.image_no, a.image_id, null from name n
    cross join lateral (select image_id from image_allocation a where a.frame = n.frame limit 1000) a
    where n.level = 'file'
), found as (
    select n.image_no, n.level, n.uid, n.frame, n.path, count(h.image_id) as hits, min(h.image_id) as image_id,
        min(h.key) as key
    from name n left join hit h using (image_no)
    group by n.image_no, n.level, n.uid, n.frame, n.path
), judged as (
    select f.image_no, f.level, f.uid, f.frame, f.path, case when f.hits = 1 then f.image_id end as image_id,
        case
            when f.hits > 1 and f.level = 'file'
                then 'The name fits ' || f.hits || ' images; give the key with its folders.'
            when f.hits > 1 then 'The instance has ' || f.hits || ' frames; give the frame, or the level instance.'
            when f.hits = 0 and f.level = 'file'
                then 'No image has this file name; one that is not known yet needs its SOP Instance UID.'
            when f.hits = 1 and f.path is not null and f.level = 'image'
                and right('/' || f.key, length(f.path) + 1) <> '/' || f.path
                and right('/' || f.path, length(f.key) + 1) <> '/' || f.key
                then 'The image of this SOP Instance UID lies in other folders.'
            when f.hits = 0 and f.path is not null
                and string_to_array(f.path, '/') && (select array_agg(patient_id) from erased_patient)
                then 'The patient''s data was erased on request.'
        end as cause
    from found f
)
select image_no, level, uid, frame, path, image_id, cause,
    coalesce(image_id, -min(image_no) over (partition by level, uid, frame)) as target
from judged;

-- name: names
-- Which of the later steps have anything to do.
select count(distinct target) = count(*) as once, coalesce(bool_or(cause is not null), false) as refused,
    coalesce(bool_or(image_id is null and level = 'image'), false) as unknown,
    coalesce(bool_or(level in ('instance', 'series', 'study')), false) as groups
from told_image;

-- name: refused_names
select count(*) over () as number, t.line, i.cause
from told t join told_image i using (image_no)
where i.cause is not null and t.label_no is not null
order by t.line limit 1000;

-- name: remove_refused_names
delete from told t using told_image i where i.image_no = t.image_no and i.cause is not null;

-- name: said_twice
-- What the file says of the same thing more than once; equal values are repeats, others contradict.
create temp table said_twice on commit drop as
select i.target, t.label_no, t.annotator_no, t.labelled_at, min(t.value) <> max(t.value) as contradicts
from told t join told_image i using (image_no)
where t.label_no is not null
group by i.target, t.label_no, t.annotator_no, t.labelled_at having count(*) > 1;

-- name: answers
select exists (select from told where label_no is null) as there;

-- name: answered_twice
-- Answers that came several times at one time: labels that not all of them chose contradict.
insert into said_twice
select a.target, t.label_no, t.annotator_no, t.labelled_at, true
from (
    select i.target, t.annotator_no, t.control_no, t.labelled_at, count(distinct t.line) as lines
    from told t join told_image i using (image_no) where t.label_no is null
    group by i.target, t.annotator_no, t.control_no, t.labelled_at having count(distinct t.line) > 1
) a
join told_image i on i.target = a.target
join told t on t.image_no = i.image_no and t.annotator_no = a.annotator_no and t.control_no = a.control_no
    and t.labelled_at is not distinct from a.labelled_at and t.label_no is not null
group by a.target, t.label_no, t.annotator_no, t.labelled_at, a.lines
having count(distinct t.line) < a.lines;

-- name: contradictions
create temp table contradiction on commit drop as
select t.ctid as place, t.line from told t join told_image i using (image_no)
where t.label_no is not null and exists (
    select from said_twice s
    where s.contradicts and s.target = i.target and s.label_no = t.label_no and s.annotator_no = t.annotator_no
        and s.labelled_at is not distinct from t.labelled_at
);

-- name: refused_contradictions
select count(*) over () as number, line, 'Other rows of this file say something else of it.' as cause
from contradiction order by line limit 1000;

-- name: remove_contradictions
-- An answer goes with what it contradicts.
delete from told t using contradiction c
where t.ctid = c.place or (t.label_no is null and t.line = c.line);

-- name: remove_repeats
with numbered as (
    select t.ctid as place,
        row_number() over (partition by i.target, t.label_no, t.annotator_no, t.labelled_at order by t.line) as nth
    from told t join told_image i using (image_no)
    where t.label_no is not null and exists (
        select from said_twice s
        where s.target = i.target and s.label_no = t.label_no and s.annotator_no = t.annotator_no
            and s.labelled_at is not distinct from t.labelled_at
    )
)
delete from told t using numbered n where t.ctid = n.place and n.nth > 1;

-- name: new_labels
insert into label_name (name) select name from unnest(%(names)s::text[]) as told (name)
where not exists (select from label_name n where n.name = told.name)
order by name on conflict (name) do nothing;

-- name: labels
select array_agg(n.id order by told.number) as ids
from unnest(%(names)s::text[]) with ordinality as told (name, number) join label_name n using (name);

-- name: new_annotators
insert into annotator (name) select name from unnest(%(names)s::text[]) as told (name)
where not exists (select from annotator n where n.name = told.name)
order by name on conflict (name) do nothing;

-- name: annotators
select array_agg(n.id order by told.number) as ids
from unnest(%(names)s::text[]) with ordinality as told (name, number) join annotator n using (name);

-- name: new_controls
insert into label_control (name) select name from unnest(%(names)s::text[]) as told (name)
where not exists (select from label_control n where n.name = told.name)
order by name on conflict (name) do nothing;

-- name: controls
select array_agg(n.id order by told.number) as ids
from unnest(%(names)s::text[]) with ordinality as told (name, number) join label_control n using (name);

-- name: superseded
-- How many standing labels these rows take the place of.
with said as materialized (
    select i.image_id, (%(labels)s::int[])[t.label_no] as label_id,
        (%(annotators)s::int[])[t.annotator_no] as annotator_id, max(coalesce(t.labelled_at, now())) as said_at
    from told t join told_image i using (image_no)
    where i.image_id is not null and t.label_no is not null
    group by 1, 2, 3
)
select count(*) as number from (
    select from said s join label l using (image_id, label_id, annotator_id)
    group by image_id, label_id, annotator_id having max(l.labelled_at) <= max(s.said_at)
) replaced;

-- name: accept
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select %(id)s, i.image_id, coalesce(t.labelled_at, now()), t.line, (%(labels)s::int[])[t.label_no],
    (%(annotators)s::int[])[t.annotator_no], t.value, (%(controls)s::int[])[t.control_no]
from told t join told_image i using (image_no)
where i.image_id is not null and t.label_no is not null;

-- name: hold
insert into held_label (import_id, line, label_id, annotator_id, name, sop_instance_uid, frame, value, labelled_at,
    control_id)
select %(id)s, t.line, (%(labels)s::int[])[t.label_no], (%(annotators)s::int[])[t.annotator_no],
    coalesce(i.path, concat_ws('/', i.uid, i.frame)), i.uid, i.frame, t.value, coalesce(t.labelled_at, now()),
    (%(controls)s::int[])[t.control_no]
from told t join told_image i using (image_no)
where i.image_id is null and i.level = 'image';

-- name: held
select count(*) as number from held_label where import_id = %(id)s and label_id is not null;

-- name: accept_groups
insert into group_label (import_id, line, label_id, annotator_id, level, uid, value, labelled_at)
select %(id)s, t.line, (%(labels)s::int[])[t.label_no], (%(annotators)s::int[])[t.annotator_no], i.level, i.uid,
    t.value, coalesce(t.labelled_at, now())
from told t join told_image i using (image_no)
where i.level in ('instance', 'series', 'study') and t.label_no is not null;

-- name: known_groups
-- Rows about instances, series and studies that have images already.
select count(*) as number from group_label g
where g.import_id = %(id)s and case g.level
    when 'instance' then exists (select from image_allocation a where a.sop_instance_uid = g.uid)
    when 'series' then exists (select from series s where s.series_instance_uid = g.uid)
    else exists (select from study s where s.study_instance_uid = g.uid) end;

-- name: answered
-- Who answered what here, whatever answer is the newest.
create temp table answered (
    image_id bigint, annotator_id int, control_id int, import_id bigint, line int, labelled_at timestamptz,
    is_answer boolean
) on commit drop;

-- name: told_answers
insert into answered
select i.image_id, (%(annotators)s::int[])[t.annotator_no], (%(controls)s::int[])[t.control_no], %(id)s, t.line,
    coalesce(t.labelled_at, now()), t.label_no is null
from told t join told_image i using (image_no)
where i.image_id is not null and t.control_no is not null;

-- name: keep_answers
insert into label_answer (image_id, annotator_id, control_id, import_id, line, labelled_at)
select distinct on (image_id, annotator_id, control_id)
    image_id, annotator_id, control_id, import_id, line, labelled_at
from answered where is_answer
order by image_id, annotator_id, control_id, labelled_at desc, import_id desc, line desc
on conflict (image_id, annotator_id, control_id) do update
set import_id = excluded.import_id, line = excluded.line, labelled_at = excluded.labelled_at
where excluded.labelled_at >= label_answer.labelled_at;

-- name: withdraw
-- What an annotator chose earlier and did not choose in the newest answer is absent from then on.
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select a.import_id, a.image_id, a.labelled_at, a.line, l.label_id, a.annotator_id, 0, a.control_id
from (select distinct image_id, annotator_id, control_id from answered) d
join label_answer a using (image_id, annotator_id, control_id)
cross join lateral (
    select distinct on (l.label_id) l.label_id, l.value, l.labelled_at from label l
    where l.image_id = a.image_id and l.annotator_id = a.annotator_id and l.control_id = a.control_id
    order by l.label_id, l.labelled_at desc, l.import_id desc, l.id desc
) l
where l.labelled_at < a.labelled_at and l.value <> 0;

-- name: lock_held
select pg_advisory_xact_lock(hashtext('held_label'));

-- name: applicable
-- Held rows whose image is there; without a frame only if the instance has one alone.
create temp table applicable on commit drop as
select h.id, a.image_id from held_label h
join image_allocation a on a.sop_instance_uid = h.sop_instance_uid and (a.frame = h.frame or h.frame is null)
where (h.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = h.sop_instance_uid and b.frame = 2))
    and (position('/' in h.name) = 0 or right('/' || a.key, length(h.name) + 1) = '/' || h.name
        or right('/' || h.name, length(a.key) + 1) = '/' || a.key
        or h.name = h.sop_instance_uid || '/' || h.frame);

-- name: apply_held
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select h.import_id, f.image_id, h.labelled_at, h.line, h.label_id, h.annotator_id, h.value, h.control_id
from held_label h join applicable f using (id) where h.label_id is not null
order by h.id;

-- name: held_answers
insert into answered
select f.image_id, h.annotator_id, h.control_id, h.import_id, h.line, h.labelled_at, h.label_id is null
from held_label h join applicable f using (id) where h.control_id is not null;

-- name: count_applied
update label_import i set held = i.held - a.number, accepted = i.accepted + a.number
from (
    select h.import_id, count(*) as number from held_label h join applicable f using (id)
    where h.label_id is not null group by h.import_id
) a where a.import_id = i.id;

-- name: remove_applied
delete from held_label h using applicable f where f.id = h.id;
