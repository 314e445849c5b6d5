-- Queries of `dcm2set labels`.

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
