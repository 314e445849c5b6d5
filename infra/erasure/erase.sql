-- Queries that erase one patient. The parameter `patient` is the pseudonym.

-- name: refuse
-- The space of the pseudonym is that in which its first file was worked on, otherwise the current one.
insert into erased_patient (patient_id, erased_by, why, space)
select %(patient)s, %(who)s, %(why)s, max(number) from pseudonym_space
where number = 1 or started_at <= coalesce(
    (select min(started_at) from ledger_item where function = 'extract' and patient_id = %(patient)s), now())
on conflict (patient_id) do nothing;

-- name: running
-- Work that was claimed before the refusal was committed may still write.
select id, lease from ledger_item
where function in ('extract', 'store_metadata', 'quality', 'annotations') and state = 'running'
    and lease_until > now();

-- name: still_running
select count(*) as number from ledger_item
where state = 'running' and lease = any(%(leases)s::uuid[]) and lease_until > now();

-- name: instances
select sop_instance_uid from ledger_item
where function = 'extract' and patient_id = %(patient)s and sop_instance_uid is not null
union
select sop_instance_uid from image_allocation where starts_with(key, %(patient)s || '/')
union
select i.sop_instance_uid from instance i join series using (series_instance_uid)
join study using (study_instance_uid) where patient_id = %(patient)s;

-- name: originals
select id, bucket, key, etag, size, moved_to_bucket, moved_to_key from ledger_item
where function = 'extract' and bucket = 'raw' and patient_id = %(patient)s;

-- name: refused_originals
-- Files of any erased patient that came later: extract deletes them, which only hides them in a versioned bucket.
select id, bucket, key, etag, size, moved_to_bucket, moved_to_key from ledger_item
where function = 'extract' and bucket = 'raw' and patient_id is null and outcome = 'erased'
    and not starts_with(key, 'erased/');

-- name: parents
-- The patient's series and studies, which label files may also name.
select series_instance_uid as uid from series join study using (study_instance_uid) where patient_id = %(patient)s
union
select study_instance_uid from study where patient_id = %(patient)s
union
select split_part(key, '/', part) from image_allocation, (values (2), (3)) as p (part)
where starts_with(key, %(patient)s || '/');

-- name: label_lines
-- Label files, and their lines about the patient that the database knows; the others are found by reading the files.
with patient_line as (
    select l.import_id, l.line from label l join image_allocation a using (image_id)
    where a.sop_instance_uid = any(%(instances)s)
    union
    select import_id, line from held_label
    where sop_instance_uid = any(%(instances)s) or starts_with(path, %(patient)s || '/')
    union
    select import_id, line from group_label where uid = any(%(instances)s) or uid = any(%(parents)s)
)
select l.moved_to_key as key, l.key as arrived_key, array_agg(p.line) as lines
from patient_line p join label_import i on i.id = p.import_id
join ledger_item l on l.function = 'annotations' and l.key = i.key and l.etag = i.etag
where l.moved_to_key is not null
group by l.moved_to_key, l.key;

-- name: delete_label
delete from label l using image_allocation a
where a.image_id = l.image_id and a.sop_instance_uid = any(%(instances)s);

-- name: delete_label_answer
delete from label_answer l using image_allocation a
where a.image_id = l.image_id and a.sop_instance_uid = any(%(instances)s);

-- name: delete_held_label
delete from held_label where sop_instance_uid = any(%(instances)s) or starts_with(path, %(patient)s || '/');

-- name: delete_group_label
delete from group_label where uid = any(%(instances)s) or uid = any(%(parents)s);

-- name: delete_overruling
-- The audit still says that a verdict was overruled, but no longer of which image.
with without_image as (
    update audit_event set sop_instance_uid = null, frame = null where sop_instance_uid = any(%(instances)s)
)
delete from overruling where sop_instance_uid = any(%(instances)s);

-- name: delete_verdict
delete from verdict where sop_instance_uid = any(%(instances)s);

-- name: delete_image
delete from image where sop_instance_uid = any(%(instances)s);

-- name: delete_instance
delete from instance where sop_instance_uid = any(%(instances)s);

-- name: delete_series
delete from series where study_instance_uid in (select study_instance_uid from study where patient_id = %(patient)s);

-- name: delete_study
delete from study where patient_id = %(patient)s;

-- name: delete_patient
delete from patient where patient_id = %(patient)s;

-- name: delete_image_allocation
delete from image_allocation where sop_instance_uid = any(%(instances)s);

-- name: delete_extraction
delete from extraction where sop_instance_uid = any(%(instances)s);

-- name: delete_item_conflict
delete from item_conflict where patient_id = %(patient)s;

-- name: delete_known_parent
delete from known_parent
where parent = %(patient)s or parent in (select uid from known_parent where parent = %(patient)s);

-- name: delete_ledger_item
-- Items of extract stay, because the balance of files counts them.
delete from ledger_item
where function in ('store_metadata', 'quality')
    and (sop_instance_uid = any(%(instances)s) or position(%(patient)s || '/' in key) > 0);

-- name: delete_reconcile_finding
-- In raw a finding has the path of an original as its key.
delete from reconcile_finding
where sop_instance_uid = any(%(instances)s) or position(%(patient)s || '/' in key) > 0
    or item_id in (select id from ledger_item where function = 'extract' and patient_id = %(patient)s);

-- name: scrub_reconcile_pass
-- A pass goes on from a key, which may be the patient's; then the bucket is compared again from its beginning.
update reconcile_pass p set after_key = null
where starts_with(after_key, %(patient)s || '/') or exists (
    select from ledger_item l where l.function = 'extract' and l.patient_id = %(patient)s
        and p.after_key in (l.key, l.moved_to_key, 'raw/' || l.key));

-- name: scrub_source_file
update source_file s set path = 'erased/' || s.id, raw_key = 'erased/' || l.id, etag = 'erased', sha256 = null
from ledger_item l
where l.function = 'extract' and l.bucket = 'raw' and l.patient_id = %(patient)s
    and not (l.id = any(%(locked)s::bigint[])) and s.raw_key = l.key and (s.etag = l.etag or s.etag is null);

-- name: scrub_archive
-- An archive may contain files of other patients; its path is erased with the last of its files.
update source_file a set path = 'erased/' || a.id, sha256 = null
where not starts_with(a.path, 'erased/')
    and exists (select from source_file s where s.archive_id = a.id)
    and not exists (select from source_file s where s.archive_id = a.id and not starts_with(s.path, 'erased/'));

-- name: scrub_ledger_item
update ledger_item
set key = 'erased/' || id, etag = 'erased', state = 'done', outcome = 'erased',
    cause = 'The patient''s data was erased on request.', next_step = null, sop_instance_uid = null,
    patient_id = null, device = null, text_boxes = null, moved_to_bucket = null, moved_to_key = null, lease = null,
    lease_until = null, due_at = null, settled_at = now()
where function = 'extract' and bucket = 'raw' and patient_id = %(patient)s and not (id = any(%(locked)s::bigint[]));

-- name: scrub_locked_item
-- The key of an original that a lock still holds stays, so that the next erasure finds it.
update ledger_item
set state = 'done', outcome = 'erased', next_step = null, sop_instance_uid = null, device = null, text_boxes = null, lease = null,
    cause = 'The patient''s data was erased on request. A lock of the object store still holds the original.',
    lease_until = null, due_at = null, settled_at = now()
where id = any(%(locked)s::bigint[]) and outcome is distinct from 'erased';

-- name: scrub_source_folder
-- The name of a folder may identify the patient; it is erased if the folder has no other files.
update source_folder f set name = 'erased/' || f.id, mark = null, planned_mark = null
where not starts_with(f.name, 'erased/')
    and exists (select from source_file s where s.folder_id = f.id)
    and not exists (select from source_file s where s.folder_id = f.id and not starts_with(s.path, 'erased/'));

-- name: unknown_patients
select count(*) as number from ledger_item
where function = 'extract' and bucket = 'raw' and patient_id is null
    and state in ('held', 'refused', 'quarantined', 'running', 'retry');

-- name: backups
-- Backups of a state in which the patient may have been known.
select folder, taken_at from backup_taken b, erased_patient e
where e.patient_id = %(patient)s and b.taken_at < e.erased_at order by taken_at;

-- name: other_spaces
select name from pseudonym_space where number <> (select space from erased_patient where patient_id = %(patient)s)
order by number;

-- name: frozen_exports
select v.name, v.number from training_set_patient p join training_set_version v on v.id = p.version_id
where p.patient_id = %(patient)s order by v.name, v.number;
