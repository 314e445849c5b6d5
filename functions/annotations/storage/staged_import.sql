-- Queries of the staged import. Its temporary tables exist until the end of the transaction.

-- name: create_staged
-- The rows of the file. Only the first row with an image_no has the name of the image.
create temp table staged_row (
    line int, image_no int, label_no int, annotator_no int, control_no int, value real, labelled_at timestamptz,
    level text, uid text, frame int, path text
) on commit drop;

-- name: copy_staged
copy staged_row from stdin;

-- name: analyze_staged
-- A new table has no statistics, and a plan made without them can take a thousand times longer.
analyze staged_row (image_no, label_no, annotator_no, line, level);

-- name: resolve_images
-- The image that each name in the file means: `image_id`; or `cause`, why the name is refused; or neither, if
-- the image is not known yet. `target` is equal for all names of the same image, instance, series or study.
create temp table staged_image on commit drop as
with name as (
    select image_no, level, uid, frame, path from staged_row where level is not null
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
                then 'The image of this SOP Instance UID is in other folders.'
            when f.hits = 0 and f.path is not null
                and string_to_array(f.path, '/') && (select array_agg(patient_id) from erased_patient)
                then 'The patient''s data was erased on request.'
        end as cause
    from found f
)
select image_no, level, uid, frame, path, image_id, cause,
    coalesce(image_id, -min(image_no) over (partition by level, uid, frame)) as target
from judged;

-- name: analyze_staged_images
analyze staged_image;

-- name: image_summary
-- Tells which of the later steps have anything to do.
select count(distinct target) = count(*) as are_unique, coalesce(bool_or(cause is not null), false) as has_refused,
    coalesce(bool_or(image_id is null and level = 'image'), false) as has_unknown,
    coalesce(bool_or(level in ('instance', 'series', 'study')), false) as has_groups
from staged_image;

-- name: refused_images
select count(*) over () as number, s.line, i.cause
from staged_row s join staged_image i using (image_no)
where i.cause is not null and s.label_no is not null
order by s.line limit 1000;

-- name: lines_of_refused_images
copy (
    select distinct s.line from staged_row s join staged_image i using (image_no) where i.cause is not null
) to stdout;

-- name: remove_images
delete from staged_row s using staged_image i where i.image_no = s.image_no and i.cause is not null;

-- name: repeated_rows
-- Labels that the file has more than once for the same target: rows with equal values are repeats, rows with
-- different values contradict each other.
create temp table repeated_row on commit drop as
select i.target, s.label_no, s.annotator_no, s.labelled_at, min(s.value) <> max(s.value) as contradicts
from staged_row s join staged_image i using (image_no)
where s.label_no is not null
group by i.target, s.label_no, s.annotator_no, s.labelled_at having count(*) > 1;

-- name: has_answers
select exists (select from staged_row where label_no is null) as found;

-- name: repeated_answers
-- Several answers of one annotator to one control at the same time contradict each other in those labels that
-- not all of them chose.
insert into repeated_row
select a.target, s.label_no, s.annotator_no, s.labelled_at, true
from (
    select i.target, s.annotator_no, s.control_no, s.labelled_at, count(distinct s.line) as lines
    from staged_row s join staged_image i using (image_no) where s.label_no is null
    group by i.target, s.annotator_no, s.control_no, s.labelled_at having count(distinct s.line) > 1
) a
join staged_image i on i.target = a.target
join staged_row s on s.image_no = i.image_no and s.annotator_no = a.annotator_no and s.control_no = a.control_no
    and s.labelled_at is not distinct from a.labelled_at and s.label_no is not null
group by a.target, s.label_no, s.annotator_no, s.labelled_at, a.lines
having count(distinct s.line) < a.lines;

-- name: analyze_repeated
analyze repeated_row;

-- name: contradictions
create temp table contradiction on commit drop as
select s.ctid as row_id, s.line from staged_row s join staged_image i using (image_no)
where s.label_no is not null and exists (
    select from repeated_row r
    where r.contradicts and r.target = i.target and r.label_no = s.label_no and r.annotator_no = s.annotator_no
        and r.labelled_at is not distinct from s.labelled_at
);

-- name: analyze_contradictions
analyze contradiction;

-- name: refused_contradictions
select count(*) over () as number, line, 'Another row of this file has a different value for it.' as cause
from contradiction order by line limit 1000;

-- name: lines_of_refused_contradictions
copy (select distinct line from contradiction) to stdout;

-- name: remove_contradictions
-- An answer is removed with its contradicting labels. Two joins, because one with "or" compares every pair.
with removed as (
    select row_id from contradiction
    union
    select s.ctid from staged_row s join contradiction c using (line) where s.label_no is null
)
delete from staged_row s using removed r where s.ctid = r.row_id;

-- name: remove_repeats
with numbered as (
    select s.ctid as row_id,
        row_number() over (partition by i.target, s.label_no, s.annotator_no, s.labelled_at order by s.line) as nth
    from staged_row s join staged_image i using (image_no)
    where s.label_no is not null and exists (
        select from repeated_row r
        where r.target = i.target and r.label_no = s.label_no and r.annotator_no = s.annotator_no
            and r.labelled_at is not distinct from s.labelled_at
    )
)
delete from staged_row s using numbered n where s.ctid = n.row_id and n.nth > 1;

-- name: count_superseded
-- The number of current labels that these rows replace.
with newest as materialized (
    select i.image_id, (%(labels)s::int[])[s.label_no] as label_id,
        (%(annotators)s::int[])[s.annotator_no] as annotator_id, max(coalesce(s.labelled_at, now())) as newest_at
    from staged_row s join staged_image i using (image_no)
    where i.image_id is not null and s.label_no is not null
    group by 1, 2, 3
)
select count(*) as number from (
    select from newest n join label l using (image_id, label_id, annotator_id)
    group by image_id, label_id, annotator_id having max(l.labelled_at) <= max(n.newest_at)
) replaced;

-- name: insert_labels
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select %(id)s, i.image_id, coalesce(s.labelled_at, now()), s.line, (%(labels)s::int[])[s.label_no],
    (%(annotators)s::int[])[s.annotator_no], s.value, (%(controls)s::int[])[s.control_no]
from staged_row s join staged_image i using (image_no)
where i.image_id is not null and s.label_no is not null;

-- name: insert_held
insert into held_label (import_id, line, label_id, annotator_id, path, sop_instance_uid, frame, value, labelled_at,
    control_id)
select %(id)s, s.line, (%(labels)s::int[])[s.label_no], (%(annotators)s::int[])[s.annotator_no],
    i.path, i.uid, i.frame, s.value, coalesce(s.labelled_at, now()),
    (%(controls)s::int[])[s.control_no]
from staged_row s join staged_image i using (image_no)
where i.image_id is null and i.level = 'image';

-- name: count_held
select count(*) as number from held_label where import_id = %(id)s and label_id is not null;

-- name: insert_groups
insert into group_label (import_id, line, label_id, annotator_id, level, uid, value, labelled_at)
select %(id)s, s.line, (%(labels)s::int[])[s.label_no], (%(annotators)s::int[])[s.annotator_no], i.level, i.uid,
    s.value, coalesce(s.labelled_at, now())
from staged_row s join staged_image i using (image_no)
where i.level in ('instance', 'series', 'study') and s.label_no is not null;

-- name: count_known_groups
-- The number of rows about instances, series and studies that already have images.
select count(*) as number from group_label g
where g.import_id = %(id)s and case g.level
    when 'instance' then exists (select from image_allocation a where a.sop_instance_uid = g.uid)
    when 'series' then exists (select from series s where s.series_instance_uid = g.uid)
    else exists (select from study s where s.study_instance_uid = g.uid) end;

-- name: staged_answers
insert into answered
select i.image_id, (%(annotators)s::int[])[s.annotator_no], (%(controls)s::int[])[s.control_no], %(id)s, s.line,
    coalesce(s.labelled_at, now()), s.value, s.label_no is null
from staged_row s join staged_image i using (image_no)
where i.image_id is not null and s.control_no is not null;
