-- Queries that mend findings.

-- name: announce_file
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
select 'extract', 'raw', raw_key, etag, size, 'retry', 0, now() from source_file
where id = %(file)s and state = 'copied' and raw_key is not null and etag is not null
on conflict do nothing;

-- name: announce
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
values ('extract', 'raw', %(key)s, %(etag)s, %(size)s, 'retry', 0, now())
on conflict do nothing;

-- name: delete_finding
delete from reconcile_finding where id = %(id)s;

-- name: forget
update reconcile_finding set forgotten_by = %(who)s, forgotten_why = %(why)s, forgotten_at = now() where id = %(id)s;

-- name: expected
select etag, size, sha256 from reconcile_expected(%(bucket)s, %(key)s, %(key)s, 100);

-- name: allocated
select allocated_bucket from image_allocation where key = %(key)s;

-- name: item
select key from ledger_item where id = %(id)s;
