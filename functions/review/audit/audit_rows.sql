-- Queries of the page of the audit. The conditions that a person chose are put between the first and the last part,
-- so that the plan is that of these conditions alone.

-- name: listed
select id, at, who, via, action, item_id, sop_instance_uid, frame, why, details from audit_event where true

-- name: who
    and who = %(who)s

-- name: action
    and action = %(action)s

-- name: item
    and item_id = %(item)s

-- name: since
    and at >= %(since)s

-- name: until
    and at < %(until)s

-- name: before
    and (at, id) < (select b.at, b.id from audit_event b where b.id = %(before)s)

-- name: order
order by at desc, id desc limit %(most)s
