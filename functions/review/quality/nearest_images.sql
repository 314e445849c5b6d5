-- Queries of judged images, in the order of the index verdict_nearness.

-- name: modalities
-- All modalities, one step of the index for each.
with recursive found as (
    (select modality from verdict order by modality limit 1)
    union all
    select (select v.modality from verdict v where v.modality > f.modality order by v.modality limit 1)
    from found f where f.modality is not null
)
select modality from found where modality is not null order by modality;

-- name: nearest
-- The nearest ones of each modality and verdict, and of those the nearest of all.
select v.sop_instance_uid as uid, v.frame, n.nearness, v.verdict, v.by_model, v.score, v.review_from, v.threshold, v.reasons,
    v.confidence, v.modality, coalesce(o.id, 0) as overruling, o.decided_by
from (
    select part.*
    from unnest(%(modalities)s::text[]) as wanted (modality) cross join unnest(%(verdicts)s::text[]) as also (verdict)
    cross join lateral (
        select sop_instance_uid, frame, abs(score - threshold) as nearness from verdict
        where modality = wanted.modality and verdict = also.verdict
            and (abs(score - threshold), sop_instance_uid, frame)
                > (%(after_nearness)s::float8, %(after_uid)s::text, %(after_frame)s::int)
        order by abs(score - threshold), sop_instance_uid, frame limit %(most)s) part
    order by nearness, sop_instance_uid, frame limit %(most)s) n
join verdict v using (sop_instance_uid, frame)
left join lateral (
    select id, decided_by from overruling
    where sop_instance_uid = v.sop_instance_uid and frame = v.frame order by id desc limit 1) o on true
order by n.nearness, v.sop_instance_uid, v.frame;

-- name: waiting
-- Images that wait for a person, at most 1,000: more are not counted.
select count(*) as images from (
    select from unnest(%(modalities)s::text[]) as wanted (modality)
    join verdict v on v.modality = wanted.modality and v.verdict = 'review' limit 1000) counted;

-- name: overruled_by
-- What a user overruled last, among the newest rows of the audit about the user.
select a.sop_instance_uid as uid, a.frame, a.why, a.details ->> 'verdict' as chosen, a.at, v.verdict, v.modality, v.score,
    (select max(id) from overruling o where o.sop_instance_uid = a.sop_instance_uid and o.frame = a.frame) as overruling
from (select * from audit_event where who = %(who)s order by id desc limit 2000) a
join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
where a.action = 'overrule' order by a.id desc limit 5;
