-- Queries of `dcm2set resolve`, and of the comparison in a trace.

-- name: conflict
select c.*, l.state, l.outcome, l.moved_to_bucket, l.moved_to_key
from item_conflict c join ledger_item l on l.id = c.item_id where c.item_id = %(item)s;

-- name: same_content
-- Files of the same content are decided together.
select item_id from item_conflict
where sop_instance_uid = %(sop_instance_uid)s and content_digest = %(content_digest)s order by item_id;

-- name: files
-- The extract items of instances: the first file of each, and its duplicates.
select l.id, e.sop_instance_uid, l.state
from extraction e join ledger_item l on l.id = e.item_id or (
    l.function = 'extract' and l.sop_instance_uid = e.sop_instance_uid and l.outcome in ('extracted', 'duplicate'))
where e.sop_instance_uid = any(%(instances)s) order by l.id;

-- name: lock_items
-- Every item of the instances, and those that a person decides about; nobody can claim them until the end.
select l.id, l.function, l.bucket, l.key, l.moved_to_bucket, l.moved_to_key,
    (l.state = 'running' and l.lease_until > now()) or (l.function = 'extract' and l.state in ('running', 'retry'))
        as is_worked_on
from ledger_item l
where l.id = any(%(items)s::bigint[]) or (l.function = 'quality' and (l.bucket, l.key) in (
        select allocated_bucket, key from image_allocation where sop_instance_uid = any(%(instances)s)))
    or (l.function = 'store_metadata' and l.bucket = 'metadata' and l.key in (
        select regexp_replace(key, '/[^/]*$', '.json') from image_allocation where sop_instance_uid = any(%(instances)s)))
order by l.id for update;

-- name: insert_resolution
insert into resolution (item_id, kept, others, why, decided_by)
values (%(item)s, %(kept)s, %(others)s, %(why)s, %(who)s);

-- name: last_resolution
select id, kept, others, finished_at from resolution where item_id = %(item)s order by id desc limit 1;

-- name: insert_objects
-- Everything that extract, quality and the writer of labelling tasks have made of the instances.
insert into withdrawn_object (bucket, key, sop_instance_uid)
select distinct o.bucket, o.key, a.sop_instance_uid
from image_allocation a, lateral (
    values (a.allocated_bucket, a.key), (a.bucket, a.key), ('suboptimal', a.key),
        ('metadata', regexp_replace(a.key, '/[^/]*$', '.json')),
        ('deidentified', regexp_replace(a.key, '/[^/]*$', '.dcm'))
    union select 'labelling', b.name || '/images/' || a.key from unnest(%(batches)s::text[]) as b (name)
    union select 'labelling', b.name || '/tasks/' || regexp_replace(a.key, '\.png$', '.json')
    from unnest(%(batches)s::text[]) as b (name)
    union select l.moved_to_bucket, l.moved_to_key from ledger_item l
    where l.moved_to_key is not null and l.function in ('quality', 'store_metadata')
        and l.key in (a.key, regexp_replace(a.key, '/[^/]*$', '.json'))
) as o (bucket, key)
where a.sop_instance_uid = any(%(instances)s)
on conflict do nothing;

-- name: lock_held_labels
select pg_advisory_xact_lock(hashtext('held_label'));

-- name: hold_labels
-- The labels wait for an image of the same instance and frame, and are applied to it.
insert into held_label (import_id, line, label_id, annotator_id, sop_instance_uid, frame, value, labelled_at, control_id)
select l.import_id, l.line, l.label_id, l.annotator_id, a.sop_instance_uid, a.frame, l.value, l.labelled_at, l.control_id
from label l join image_allocation a using (image_id) where a.sop_instance_uid = any(%(instances)s) order by l.id;

-- name: hold_answers
insert into held_label (import_id, line, annotator_id, sop_instance_uid, frame, value, labelled_at, control_id)
select l.import_id, l.line, l.annotator_id, a.sop_instance_uid, a.frame, l.value, l.labelled_at, l.control_id
from label_answer l join image_allocation a using (image_id) where a.sop_instance_uid = any(%(instances)s);

-- name: count_held
update label_import i set held = i.held + n.number, accepted = i.accepted - n.number
from (
    select l.import_id, count(*) as number from label l join image_allocation a using (image_id)
    where a.sop_instance_uid = any(%(instances)s) group by l.import_id
) n where n.import_id = i.id;

-- name: delete_later_items
delete from ledger_item where id = any(%(items)s::bigint[]) and function in ('quality', 'store_metadata');

-- name: note_withdrawn
insert into item_conflict (item_id, patient_id, study_instance_uid, series_instance_uid, sop_instance_uid,
    content_digest, withdrawn_at)
select l.id, split_part(a.key, '/', 1), split_part(a.key, '/', 2), split_part(a.key, '/', 3), e.sop_instance_uid,
    e.content_digest, now()
from extraction e join image_allocation a on a.sop_instance_uid = e.sop_instance_uid and a.frame = 1
join ledger_item l on l.id = any(%(items)s::bigint[]) and (l.id = e.item_id or l.sop_instance_uid = e.sop_instance_uid)
where e.sop_instance_uid = any(%(instances)s)
on conflict (item_id) do update set withdrawn_at = now(), content_digest = excluded.content_digest;

-- name: withdraw_conflicts
update item_conflict set withdrawn_at = coalesce(withdrawn_at, now()) where item_id = any(%(items)s::bigint[]);

-- name: reopen_conflicts
update item_conflict set withdrawn_at = null where item_id = any(%(items)s::bigint[]);

-- name: withdraw_items
-- They count as skipped. Their objects stay where they are, in raw or quarantine.
update ledger_item
set state = 'done', outcome = 'withdrawn', cause = 'A person decided that ' || %(standing)s || ' stands.',
    next_step = null, sop_instance_uid = null, device = null, due_at = null, lease = null, lease_until = null,
    settled_at = now()
where id = any(%(items)s::bigint[]);

-- name: say_unfinished
update ledger_item set next_step = 'The decision about this item is not finished: run the same dcm2set resolve again.'
where id = any(%(items)s::bigint[]) and state <> 'done';

-- name: delete_series
delete from series s where s.series_instance_uid = any(%(series)s)
    and not exists (select from instance i where i.series_instance_uid = s.series_instance_uid);

-- name: delete_study
delete from study t where t.study_instance_uid = any(%(studies)s)
    and not exists (select from series s where s.study_instance_uid = t.study_instance_uid);

-- name: delete_patient
delete from patient p where p.patient_id = any(%(patients)s)
    and not exists (select from study t where t.patient_id = p.patient_id);

-- name: lock_parents
-- No instance is registered until the end, so that what a file contradicts stays the same.
lock table known_parent in share row exclusive mode;

-- name: forget_parents
delete from known_parent p where p.uid = any(%(series)s::text[] || %(studies)s::text[]) and not exists (
    select from image_allocation a where p.uid in (split_part(a.key, '/', 2), split_part(a.key, '/', 3)));

-- name: objects
select bucket, key from withdrawn_object
where sop_instance_uid in (select sop_instance_uid from item_conflict where item_id = any(%(items)s::bigint[]))
order by bucket, key;

-- name: patients
select distinct patient_id from item_conflict where item_id = any(%(items)s::bigint[]) order by 1;

-- name: reopened
-- Reopened before an interruption; the object may still have to be moved.
select id, function, state, outcome, bucket, key, etag, moved_to_bucket, moved_to_key from ledger_item
where id = any(%(items)s::bigint[]) and state = 'retry';

-- name: delete_object
delete from withdrawn_object where bucket = %(bucket)s and key = %(key)s;

-- name: finish
update resolution set finished_at = now() where id = %(resolution)s;
