-- Queries of `dcm2set nas check`.

-- name: known_marks
select mark from source_folder where mark = any(%(names)s::text[]);
