-- Queries for the verdicts of persons, and the moves that follow from new verdicts.

-- name: judged
select a.sop_instance_uid, a.frame, a.allocated_bucket, a.bucket, a.key, e.modality, v.verdict, v.by_model, v.score,
    v.mean_grey, v.features, v.model_version, (
        select o.verdict from overruling o
        where o.sop_instance_uid = a.sop_instance_uid and o.frame = a.frame order by o.id desc limit 1) as overruled
from verdict v join image_allocation a using (sop_instance_uid, frame) join extraction e using (sop_instance_uid)
where %(sop_instance_uid)s::text is null or (sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s)
order by a.sop_instance_uid, a.frame;

-- name: image
select sop_instance_uid, frame from image_allocation
where key = %(key)s or (sop_instance_uid = %(uid)s and frame = %(frame)s);

-- name: lock_verdict
select verdict from verdict where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s for update;

-- name: newest_overruling
select id, verdict, decided_by from overruling
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s order by id desc limit 1;

-- name: insert_overruling
insert into overruling (sop_instance_uid, frame, verdict, why, decided_by)
values (%(sop_instance_uid)s, %(frame)s, %(verdict)s, %(why)s, %(who)s);

-- name: record_move_back
-- Written before the copy, so that the copy's event finds a settled item, and no pending delete removes the copy.
update ledger_item set moved_to_bucket = null, moved_to_key = null, pending_delete = false
where function = 'quality' and bucket = %(allocated_bucket)s and key = %(key)s and state = 'done';

-- name: record_move_to_suboptimal
-- Written with the verdict; if the deletion that follows is interrupted, the function quality deletes the object.
update ledger_item set moved_to_bucket = 'suboptimal', moved_to_key = %(key)s, pending_delete = etag = %(etag)s
where function = 'quality' and bucket = %(allocated_bucket)s and key = %(key)s and state = 'done';

-- name: mark_deleted
update ledger_item set pending_delete = false
where function = 'quality' and bucket = %(allocated_bucket)s and key = %(key)s and etag = %(etag)s;

-- name: set_judgement
update verdict
set verdict = %(verdict)s, by_model = %(by_model)s, score = %(score)s, mean_grey = %(mean_grey)s, review_from = %(review_from)s,
    threshold = %(threshold)s, features = %(features)s, reasons = %(reasons)s, confidence = %(confidence)s,
    model_version = %(model_version)s, checked_at = now()
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s;

-- name: set_verdict
update verdict set verdict = %(verdict)s where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s;

-- name: set_bucket
update image_allocation set bucket = %(bucket)s
where sop_instance_uid = %(sop_instance_uid)s and frame = %(frame)s;
