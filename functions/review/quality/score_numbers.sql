-- Queries of the distribution of scores. They read the newest verdicts only, so that they end soon.

-- name: distribution
-- Bins of a quarter of the logit from -7 to 7, and two beyond; black images have no score of the model.
with newest as (
    select modality, verdict, by_model, score, review_from, threshold, checked_at from verdict
    order by checked_at desc limit %(most)s)
select modality, verdict, review_from, threshold, case when by_model <> 'black' then
        width_bucket(ln(greatest(score, 1e-9) / greatest(1 - score, 1e-9)), -7, 7, 56) end as bin,
    count(*) as images, max(checked_at) as newest
from newest group by 1, 2, 3, 4, 5;

-- name: with_limits
-- The verdicts now and with other limits; those of persons stay, and so does black.
with newest as (
    select sop_instance_uid, frame, modality, verdict, by_model, score from verdict
    order by checked_at desc limit %(most)s)
select verdict as now, case
        when by_model = 'black' or exists (
            select from overruling o where o.sop_instance_uid = n.sop_instance_uid and o.frame = n.frame) then verdict
        else (array['good', 'review', 'low_quality'])[
            width_bucket(score, array[%(review_from)s, %(reject_from)s]::float8[]) + 1] end as later,
    count(*) as images
from newest n where %(modality)s::text is null or modality = %(modality)s group by 1, 2;
