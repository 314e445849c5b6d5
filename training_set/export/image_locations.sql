-- Finds the current locations of the images of a frozen version.

-- name: create_wanted_image
create temp table wanted_image (sop_instance_uid text, frame int, patient_id text) on commit drop;

-- name: copy_wanted_images
copy wanted_image from stdin (format csv);

-- name: copy_current_images
copy (
    select w.sop_instance_uid, w.frame, i.sha256, a.bucket, e.patient_id is not null as is_erased
    from wanted_image w left join image i using (sop_instance_uid, frame)
    left join image_allocation a using (sop_instance_uid, frame)
    left join erased_patient e on e.patient_id = w.patient_id
) to stdout (format csv, header);
