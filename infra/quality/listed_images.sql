-- Images by their verdict.

-- name: images
-- Those of the highest score come first within a modality. The index verdict_review serves the verdict review.
select e.modality, v.verdict, v.score, v.review_from, v.threshold, v.reasons, v.confidence, a.bucket, a.key,
    v.checked_at
from verdict v join image_allocation a using (sop_instance_uid, frame) join extraction e using (sop_instance_uid)
where v.verdict = %(verdict)s and (%(modality)s::text is null or e.modality = %(modality)s)
order by e.modality nulls last, v.score desc, a.key limit %(most)s;

-- name: numbers
select e.modality, count(*) as images from verdict v join extraction e using (sop_instance_uid)
where v.verdict = %(verdict)s and (%(modality)s::text is null or e.modality = %(modality)s)
group by e.modality order by e.modality nulls last;
