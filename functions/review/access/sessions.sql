-- Queries of sessions.

-- name: begin
insert into page_session (token_hash, who, roles, issuer) values (%(hash)s, %(who)s, %(roles)s, %(issuer)s);

-- name: use
update page_session set last_seen_at = now()
where token_hash = %(hash)s and issuer = %(issuer)s and last_seen_at > now() - %(idle)s * interval '1 second'
    and created_at > now() - %(longest)s * interval '1 second'
returning who, roles;

-- name: read
select who, roles from page_session
where token_hash = %(hash)s and issuer = %(issuer)s and last_seen_at > now() - %(idle)s * interval '1 second'
    and created_at > now() - %(longest)s * interval '1 second';

-- name: end
delete from page_session where token_hash = %(hash)s;

-- name: delete_old
delete from page_session where last_seen_at <= now() - %(idle)s * interval '1 second'
    or created_at <= now() - %(longest)s * interval '1 second' or issuer <> %(issuer)s;
