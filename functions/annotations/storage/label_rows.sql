-- Queries for imports, names, answers and held labels. An import is one transaction.

-- name: find_import
select id, format, accepted, repeated, superseded, held, refused from label_import
where key = %(key)s and etag = %(etag)s;

-- name: insert_import
insert into label_import (key, etag, format) values (%(key)s, %(etag)s, %(format)s)
on conflict (key, etag) do nothing returning id, now();

-- name: update_counts
update label_import set accepted = %(accepted)s, repeated = %(repeated)s, superseded = %(superseded)s,
    held = %(held)s, refused = %(refused)s, digest = %(digest)s
where id = %(id)s;

-- name: find_content
-- The labels that an earlier file of the same bytes has brought.
select accepted + held + repeated as number from label_import where digest = %(digest)s;

-- name: set_work_mem
-- With this a million rows are sorted in memory.
select set_config('work_mem', '64MB', true);

-- name: begin_copy
-- A wait for a lock still ends when the client gives up: the server would not see that its connection is closed.
select set_config('lock_timeout', current_setting('statement_timeout'), true);
set local statement_timeout = '15min';

-- name: end_copy
-- The client's limit again, which begin_copy kept. "to default" would be the server's: none.
select set_config('statement_timeout', current_setting('lock_timeout'), true);
set local lock_timeout to default;

-- name: new_labels
insert into label_name (name) select name from unnest(%(names)s::text[]) as given (name)
where not exists (select from label_name n where n.name = given.name)
order by name on conflict (name) do nothing;

-- name: label_ids
select array_agg(n.id order by given.number) as ids
from unnest(%(names)s::text[]) with ordinality as given (name, number) join label_name n using (name);

-- name: new_annotators
insert into annotator (name) select name from unnest(%(names)s::text[]) as given (name)
where not exists (select from annotator n where n.name = given.name)
order by name on conflict (name) do nothing;

-- name: annotator_ids
select array_agg(n.id order by given.number) as ids
from unnest(%(names)s::text[]) with ordinality as given (name, number) join annotator n using (name);

-- name: new_controls
insert into label_control (name) select name from unnest(%(names)s::text[]) as given (name)
where not exists (select from label_control n where n.name = given.name)
order by name on conflict (name) do nothing;

-- name: control_ids
select array_agg(n.id order by given.number) as ids
from unnest(%(names)s::text[]) with ordinality as given (name, number) join label_control n using (name);

-- name: create_answered
-- The answers and labels of this import by image, annotator and control, whether or not they are the newest.
create temp table answered (
    image_id bigint, annotator_id int, control_id int, import_id bigint, line int, labelled_at timestamptz,
    value real, is_answer boolean
) on commit drop;

-- name: analyze_answered
analyze answered;

-- name: store_answers
insert into label_answer (image_id, annotator_id, control_id, import_id, line, labelled_at, value)
select distinct on (image_id, annotator_id, control_id)
    image_id, annotator_id, control_id, import_id, line, labelled_at, value
from answered where is_answer
order by image_id, annotator_id, control_id, labelled_at desc, import_id desc, line desc
on conflict (image_id, annotator_id, control_id) do update
set import_id = excluded.import_id, line = excluded.line, labelled_at = excluded.labelled_at,
    value = excluded.value
where excluded.labelled_at >= label_answer.labelled_at;

-- name: withdraw_labels
-- A label that an annotator chose earlier and not in the newest answer becomes absent (0) at that time, or
-- unknown (null) if that answer was cancelled. Each image's labels are read once, however many answered.
with question as materialized (
    select distinct image_id, annotator_id, control_id from answered
), own as materialized (
    select l.* from (select distinct image_id from question) i join label l using (image_id)
    where l.control_id is not null
), newest as (
    select distinct on (image_id, annotator_id, control_id, label_id)
        image_id, annotator_id, control_id, label_id, value, labelled_at, import_id
    from own join question using (image_id, annotator_id, control_id)
    order by image_id, annotator_id, control_id, label_id, labelled_at desc, import_id desc, id desc
)
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select a.import_id, image_id, a.labelled_at, a.line, n.label_id, annotator_id, a.value, control_id
from newest n join label_answer a using (image_id, annotator_id, control_id)
where (n.labelled_at, n.import_id) < (a.labelled_at, a.import_id) and n.value is distinct from a.value;

-- name: lock_held
select pg_advisory_xact_lock(hashtext('held_label'));

-- name: find_applicable
-- Held rows whose image is known now; without a frame only if the instance has a single frame.
create temp table applicable on commit drop as
select h.id, a.image_id from held_label h
join image_allocation a on a.sop_instance_uid = h.sop_instance_uid and (a.frame = h.frame or h.frame is null)
where (h.frame is not null or not exists (
        select from image_allocation b where b.sop_instance_uid = h.sop_instance_uid and b.frame = 2))
    and (h.path is null or right('/' || a.key, length(h.path) + 1) = '/' || h.path);

-- name: analyze_applicable
analyze applicable;

-- name: apply_held
insert into label (import_id, image_id, labelled_at, line, label_id, annotator_id, value, control_id)
select h.import_id, f.image_id, h.labelled_at, h.line, h.label_id, h.annotator_id, h.value, h.control_id
from held_label h join applicable f using (id) where h.label_id is not null
order by h.id;

-- name: held_answers
insert into answered
select f.image_id, h.annotator_id, h.control_id, h.import_id, h.line, h.labelled_at, h.value, h.label_id is null
from held_label h join applicable f using (id) where h.control_id is not null;

-- name: count_applied
update label_import i set held = i.held - a.number, accepted = i.accepted + a.number
from (
    select h.import_id, count(*) as number from held_label h join applicable f using (id)
    where h.label_id is not null group by h.import_id
) a where a.import_id = i.id;

-- name: remove_applied
delete from held_label h using applicable f where f.id = h.id;
