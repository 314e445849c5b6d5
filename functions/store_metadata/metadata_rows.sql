-- Metadata rows, by name.

-- name: store
-- One call of a function of views.sql: the rows of a document are many, and a round trip each costs more.
select store_document(%(patient)s, %(study)s, %(series)s, %(instance)s, %(images)s, %(actions)s) as conflict;
