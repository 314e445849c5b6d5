-- Queries of signing in.

-- name: failures
select coalesce(max(number), 0) as most from (
    select count(*) as number from sign_in_failure
    where subject = any(%(subjects)s) and at > now() - %(minutes)s * interval '1 minute' group by subject) counted;

-- name: note_failure
insert into sign_in_failure (subject) select unnest(%(subjects)s::bytea[]);

-- name: forget_failures
delete from sign_in_failure
where subject = any(%(subjects)s) or at <= now() - %(minutes)s * interval '1 minute';
