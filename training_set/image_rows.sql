-- The images of a training set, read in one go.

-- name: default_rule
select rule, uncertain from label_rule;

-- name: label_names
select id, name from label_name order by name collate "C";

-- name: enough_memory
-- For the labels of a million images at once, for this transaction alone.
set local work_mem = '256MB';

-- name: selected_table
create temp table selected_image on commit drop as
select i.*, null::int[] as label_ids, null::real[] as label_values, null::int as annotators
from training_image i with no data;

-- name: select_images
-- One condition follows, made of allowed names and bound values.
insert into selected_image
select i.*, l.label_ids, l.label_values, coalesce(l.most_annotators, 0)
from training_image i
left join (
    select image_id, array_agg(label_id) as label_ids, array_agg(value) as label_values,
        array_agg(annotators) as label_annotators, max(annotators) as most_annotators
    from labels_now(%(rule)s, %(uncertain)s) group by image_id
) l on l.image_id = i.image_id
where

-- name: copy_images
copy (
    select {columns}, coalesce(cardinality(label_ids), 0) as label_count, array_to_string(label_ids, ' ') as label_ids,
        array_to_string(label_values, ' ') as label_values
    from selected_image
) to stdout (format csv, header);

-- name: wanted_table
create temp table wanted_image (sop_instance_uid text, frame int, patient_id text) on commit drop;

-- name: copy_wanted
copy wanted_image from stdin (format csv);

-- name: copy_found
copy (
    select w.sop_instance_uid, w.frame, i.sha256, a.bucket, e.patient_id is not null as is_erased
    from wanted_image w left join image i using (sop_instance_uid, frame)
    left join image_allocation a using (sop_instance_uid, frame)
    left join erased_patient e on e.patient_id = w.patient_id
) to stdout (format csv, header);
