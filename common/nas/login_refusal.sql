-- Queries about refused accounts.

-- name: refusals
select salt, digest, cause from nas_refusal;

-- name: refused
insert into nas_refusal (salt, digest, cause) values (%(salt)s, %(digest)s, %(cause)s);

-- name: forget
delete from nas_refusal;
