-- Queries of what there is of a patient. Each part has an index.

-- name: extent
with instance_of as (
    select distinct sop_instance_uid from ledger_item
    where function = 'extract' and patient_id = %(patient)s and sop_instance_uid is not null
), image_of as (
    select a.image_id from instance_of join image_allocation a using (sop_instance_uid)
)
select
    (select count(*) from ledger_item where function = 'extract' and patient_id = %(patient)s) as files,
    (select count(*) from image_of) as images,
    (select count(*) from image_of join label using (image_id))
        + (select count(*) from instance_of join held_label using (sop_instance_uid)) as labels,
    (select count(*) from backup_taken) as backups,
    (select max(taken_at) from backup_taken) as newest_backup;

-- name: frozen_sets
select v.name, v.number from training_set_patient p join training_set_version v on v.id = p.version_id
where p.patient_id = %(patient)s order by v.name, v.number;

-- name: patient
select patient_id from ledger_item where id = %(item)s and function = 'extract' and patient_id is not null;

-- name: items_of_patients
select min(id) as id from ledger_item
where id = any(%(items)s::bigint[]) and function = 'extract' and patient_id is not null
group by patient_id order by 1;
