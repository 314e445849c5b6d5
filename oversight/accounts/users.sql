-- Queries of local accounts.

-- name: users
select name, roles, password_hash is not null as has_password, created_at, disabled_at from page_user order by name;

-- name: invite
insert into page_user (name, roles, invite_hash, invite_expires_at)
values (%(name)s, %(roles)s, %(hash)s, now() + %(hours)s * interval '1 hour')
on conflict (name) do update set roles = excluded.roles, invite_hash = excluded.invite_hash,
    invite_expires_at = excluded.invite_expires_at, disabled_at = null;

-- name: disable
update page_user set disabled_at = coalesce(disabled_at, now()), invite_hash = null, password_hash = null
where name = %(name)s;

-- name: end_sessions
delete from page_session where who = %(name)s;

-- name: invited
select name from page_user where invite_hash = %(hash)s and invite_expires_at > now() and disabled_at is null;

-- name: accept
update page_user set password_hash = %(password)s, invite_hash = null, invite_expires_at = null
where invite_hash = %(hash)s and invite_expires_at > now() and disabled_at is null
returning name;

-- name: password
select roles, password_hash from page_user where name = %(name)s and disabled_at is null;
