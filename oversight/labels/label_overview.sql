-- Queries of `dcm2set labels` and of the page with the labels.

-- name: labels
with current as (
    select label_id, count(*) as images, count(*) filter (where value >= 0.5) as positive,
        count(*) filter (where value >= 0 and value < 0.5) as negative,
        count(*) filter (where value < 0) as uncertain
    from current_labels(%(rule)s, %(uncertain)s) group by label_id
), annotated as (
    select label_id, count(distinct annotator_id) as annotators from latest_label group by label_id
), held as (
    select label_id, count(*) as held from held_label where label_id is not null group by label_id
)
select n.id, n.name as label, coalesce(current.images, 0) as images, coalesce(current.positive, 0) as positive,
    coalesce(current.negative, 0) as negative, coalesce(current.uncertain, 0) as uncertain,
    coalesce(annotated.annotators, 0) as annotators, coalesce(held.held, 0) as held
from label_name n
left join current on current.label_id = n.id
left join annotated on annotated.label_id = n.id
left join held on held.label_id = n.id
where current.label_id is not null or annotated.label_id is not null or held.label_id is not null
order by n.name;

-- name: annotators
select id, name from annotator order by id;

-- name: imports
select key, format, accepted, repeated, superseded, held, refused, imported_at::text as imported_at
from label_import order by id desc limit 20;

-- name: rule
select rule, uncertain from label_rule;

-- name: differing_images
-- Of each label, the first images on which annotators differ.
with differing as (
    select label_id, image_id from (
        select label_id, image_id, case when value < 0 then -1 when value >= 0.5 then 1 else 0 end as vote
        from latest_label) reading
    group by label_id, image_id having min(vote) <> max(vote)
)
select label_id, (array_agg(image_id order by image_id))[1:%(most)s] as images from differing group by label_id;

-- name: readings
-- Images with the newest value of every annotator, where these differ.
select image_id, a.sop_instance_uid, a.frame, a.bucket,
    jsonb_agg(jsonb_build_object('annotator', w.id, 'name', w.name, 'value', r.value, 'at', r.labelled_at::date)
        order by w.id) as readings
from latest_label r join annotator w on w.id = r.annotator_id join image_allocation a using (image_id)
where r.label_id = %(label)s and r.image_id = any(%(images)s::bigint[])
group by image_id, a.sop_instance_uid, a.frame, a.bucket
having count(distinct case when r.value < 0 then -1 when r.value >= 0.5 then 1 else 0 end) > 1
order by image_id;
