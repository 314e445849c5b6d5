-- Queries of the advice.

-- name: extract_items
-- The item from which each instance was extracted.
select sop_instance_uid, item_id from extraction where sop_instance_uid = any(%(uids)s);
