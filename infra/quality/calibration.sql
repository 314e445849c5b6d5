-- Queries for limits from the verdicts of persons.

-- name: decided
-- The newest verdict of each image. A black image has no score of the model. The key begins with the patient.
select distinct on (o.sop_instance_uid, o.frame) e.modality, split_part(a.key, '/', 1) as patient_id, a.key,
    o.verdict = 'good' as is_good, v.score, v.model_version = %(model_version)s as is_of_model
from overruling o join image_allocation a using (sop_instance_uid, frame)
join verdict v using (sop_instance_uid, frame) join extraction e using (sop_instance_uid)
where e.modality is not null and v.by_model <> 'black'
    and (%(modality)s::text is null or e.modality = %(modality)s)
order by o.sop_instance_uid, o.frame, o.id desc;

-- name: changes
-- How many images would get another verdict. Stored scores are used, so no image is read.
select before, after, count(*) as images from (
    select v.verdict as before, coalesce(o.verdict, case when v.score >= %(reject_from)s then 'low_quality'
        when v.score >= %(review_from)s then 'review' else 'good' end) as after
    from verdict v join extraction e using (sop_instance_uid)
    left join (select distinct on (sop_instance_uid, frame) sop_instance_uid, frame, verdict from overruling
        order by sop_instance_uid, frame, id desc) o using (sop_instance_uid, frame)
    where e.modality = %(modality)s and v.model_version = %(model_version)s and v.by_model <> 'black') judged
where before <> after group by before, after order by before, after;

-- name: sample
-- One image of each patient, chosen by a digest of its key as when limits are computed, and a random part of those.
select p.*, exists (select from overruling o where o.sop_instance_uid = p.sop_instance_uid and o.frame = p.frame)
    as is_decided
from (
    select distinct on (split_part(a.key, '/', 1)) v.sop_instance_uid, v.frame, a.key, v.verdict, v.score, v.reasons
    from verdict v join image_allocation a using (sop_instance_uid, frame) join extraction e using (sop_instance_uid)
    where e.modality = %(modality)s and v.by_model <> 'black'
    order by split_part(a.key, '/', 1), md5(a.key)) p
order by md5(%(seed)s || p.key) limit %(most)s;
