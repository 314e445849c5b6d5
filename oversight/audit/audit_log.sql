-- Queries of the audit.

-- name: record
insert into audit_event (who, via, action, item_id, sop_instance_uid, frame, why, details)
values (%(who)s, %(via)s, %(action)s, %(item_id)s, %(sop_instance_uid)s, %(frame)s, %(why)s, %(details)s);

-- name: record_views
insert into audit_event (who, via, action, item_id) select %(who)s, %(via)s, %(action)s, unnest(%(items)s::bigint[]);
