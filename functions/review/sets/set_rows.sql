-- Queries of training sets.

-- name: version
select name, number, query, digest, counts, created_at from training_set_version
where name = %(name)s and number = %(number)s::bigint;

-- name: numbers
-- The newest versions of a set.
select number from training_set_version where name = %(name)s order by number desc limit 100;
