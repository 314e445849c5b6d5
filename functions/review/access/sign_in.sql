-- Queries of signing in.

-- name: failures
select count(*) filter (where subject = %(name)s) as of_name, count(*) filter (where subject = %(address)s) as of_address
from sign_in_failure
where subject in (%(name)s, %(address)s) and at > now() - %(minutes)s * interval '1 minute';

-- name: note_failure
insert into sign_in_failure (subject) select unnest(%(subjects)s::bytea[]);

-- name: forget_failures
delete from sign_in_failure
where subject = any(%(subjects)s) or at <= now() - %(minutes)s * interval '1 minute';
