-- Queries for the rows of metadata documents.

-- name: record
-- One call of a function in schema.sql: a document has many rows, and a round trip for each would cost more.
record_document(%(patient)s, %(study)s, %(series)s, %(instance)s, %(images)s, %(actions)s)
