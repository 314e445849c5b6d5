-- Reads the images of a training set.

-- name: default_rule
select rule, uncertain from label_rule;

-- name: label_names
select id, name from label_name order by name collate "C";

-- name: set_work_mem
-- Enough for the labels of a million images; holds for this transaction only.
set local work_mem = '256MB';

-- name: create_labelled_image
-- Every image with a current label. The funnel reads it, too.
create temp table labelled_image on commit drop as
select image_id, array_agg(label_id) as label_ids, array_agg(value) as label_values,
    array_agg(annotators) as label_annotators, max(annotators) as most_annotators
from current_labels(%(rule)s, %(uncertain)s) group by image_id;

-- name: create_selected_image
create temp table selected_image on commit drop as
select i.*, null::int[] as label_ids, null::real[] as label_values, null::int as annotators
from training_image i with no data;

-- name: insert_selected_images
-- The caller appends the condition, which consists of allowed names and bound values.
insert into selected_image
select i.*, l.label_ids, l.label_values, coalesce(l.most_annotators, 0)
from training_image i
left join labelled_image l on l.image_id = i.image_id
where

-- name: copy_selected_images
copy (
    select {columns}, coalesce(cardinality(label_ids), 0) as label_count, array_to_string(label_ids, ' ') as label_ids,
        array_to_string(label_values, ' ') as label_values
    from selected_image
) to stdout (format csv, header);
