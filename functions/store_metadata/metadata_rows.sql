-- Metadata rows, by name.

-- name: record
-- One call of a function of views.sql: the rows of a document are many, and a round trip each costs more.
record_document(%(patient)s, %(study)s, %(series)s, %(instance)s, %(images)s, %(actions)s)
