-- Queries for the pseudonym spaces of a database.

-- name: lock
-- Two runners never start a space at the same time.
select pg_advisory_xact_lock(hashtext('dcm2set migrate'));

-- name: spaces
select number, name, key_check, exists (select from erased_patient e where e.space = s.number) as has_erased
from pseudonym_space s order by number;

-- name: start
insert into pseudonym_space (name, key_check, started_by) values (%(name)s, %(key_check)s, %(who)s);
