-- What a database's snapshot knows of objects, by name.

-- name: buckets
select bucket from image_bucket;

-- name: instances
select sop_instance_uid as uid from extraction;

-- name: still_at_home
select key, home_bucket from image_allocation where bucket = home_bucket;

-- name: moved
select moved_to_bucket as bucket, moved_to_key as key from ledger_item
where moved_to_key is not null and state in ('done', 'held', 'quarantined');
