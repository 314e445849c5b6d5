-- Queries for what a snapshot of the database knows of objects.

-- name: buckets
select bucket from image_bucket;

-- name: instances
select sop_instance_uid as uid from extraction;

-- name: images
select key, bucket from image_allocation;

-- name: moved
select moved_to_bucket as bucket, moved_to_key as key from ledger_item
where moved_to_key is not null and state in ('done', 'held', 'refused', 'quarantined');

-- name: originals
select key from ledger_item where function = 'extract' and bucket = 'raw';

-- name: announce
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
values ('extract', 'raw', %s, %s, %s, 'retry', 0, now())
on conflict do nothing;

-- name: record
insert into backup_taken (folder, taken_at) values (%(folder)s, %(taken_at)s);
