-- What `dcm2set labels` asks, by name.

-- name: labels
with now as (
    select label_id, count(*) as images, count(*) filter (where value >= 0.5) as positive,
        count(*) filter (where value >= 0 and value < 0.5) as negative,
        count(*) filter (where value < 0) as uncertain
    from current_labels(%(rule)s, %(uncertain)s) group by label_id
), said as (
    select label_id, count(distinct annotator_id) as annotators from latest_label group by label_id
), held as (
    select label_id, count(*) as held from held_label where label_id is not null group by label_id
)
select n.id, n.name as label, coalesce(now.images, 0) as images, coalesce(now.positive, 0) as positive,
    coalesce(now.negative, 0) as negative, coalesce(now.uncertain, 0) as uncertain,
    coalesce(said.annotators, 0) as annotators, coalesce(held.held, 0) as held
from label_name n
left join now on now.label_id = n.id
left join said on said.label_id = n.id
left join held on held.label_id = n.id
where now.label_id is not null or said.label_id is not null or held.label_id is not null
order by n.name;

-- name: votes
-- What several annotators say of one image, as votes; the images by how often each pattern comes.
with vote as (
    select image_id, label_id, annotator_id,
        case when value < 0 then -1 when value >= 0.5 then 1 else 0 end as vote
    from latest_label
), pattern as (
    select label_id, image_id, array_agg(annotator_id order by annotator_id) as annotators,
        array_agg(vote order by annotator_id) as votes
    from vote group by label_id, image_id having count(*) > 1
)
select label_id, annotators, votes, count(*) as images from pattern
group by label_id, annotators, votes order by label_id, annotators, votes;

-- name: imports
select key, format, accepted, repeated, superseded, held, refused, imported_at::text as imported_at
from label_import order by id desc limit 20;
