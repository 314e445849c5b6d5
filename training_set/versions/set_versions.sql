-- Versions of training sets.

-- name: lock
-- One export of a name at a time. The session holds the lock, because the snapshot must begin after it.
select pg_advisory_lock(hashtext('training set ' || %(name)s));

-- name: unlock
select pg_advisory_unlock(hashtext('training set ' || %(name)s));

-- name: version
select number, query, options, digest, counts, created_at from training_set_version
where name = %(name)s and (number = %(number)s or (%(number)s::int is null and number = (
    select max(number) from training_set_version where name = %(name)s)));

-- name: all_versions
select name, number, created_at, digest, counts from training_set_version
where (name collate "C", number) > (%(name)s, %(number)s::int) order by name collate "C", number limit %(most)s;

-- name: assigned
-- A patient has the same split in all versions. The first version shows which patient came earlier.
select patient_id, min(split) as split, min(number) as first_version
from training_set_patient p join training_set_version v on v.id = p.version_id
where name = %(name)s group by patient_id;

-- name: assigned_folds
-- A patient has the same fold in all versions with as many folds.
select patient_id, (array_agg(fold order by number))[1] as fold
from training_set_patient p join training_set_version v on v.id = p.version_id
where name = %(name)s and fold is not null and (options ->> 'folds')::int = %(folds)s group by patient_id;

-- name: now
select date_trunc('second', now()) as now;

-- name: insert_version
insert into training_set_version (name, number, query, options, digest, counts, created_at)
values (%(name)s, %(number)s, %(query)s, %(options)s, %(digest)s, %(counts)s, %(created_at)s)
returning id;

-- name: copy_patients
copy training_set_patient (version_id, patient_id, split, fold) from stdin;
