-- Metadata rows, by name. A row whose parent differs from what is stored is not touched, which
-- the caller sees as a conflict.

-- name: upsert_patient
insert into patient as old (patient_id, sex) values (%(patient_id)s, %(sex)s)
on conflict (patient_id) do update set sex = coalesce(excluded.sex, old.sex), updated_at = now()
where old.sex is distinct from coalesce(excluded.sex, old.sex);

-- name: upsert_study
insert into study as old (study_instance_uid, patient_id, study_date)
values (%(study_instance_uid)s, %(patient_id)s, %(study_date)s)
on conflict (study_instance_uid) do update
set study_date = coalesce(excluded.study_date, old.study_date), updated_at = now()
where old.patient_id = excluded.patient_id;

-- name: upsert_series
insert into series as old (series_instance_uid, study_instance_uid, modality, body_part, laterality,
    manufacturer, model)
values (%(series_instance_uid)s, %(study_instance_uid)s, %(modality)s, %(body_part)s, %(laterality)s,
    %(manufacturer)s, %(model)s)
on conflict (series_instance_uid) do update
set modality = coalesce(excluded.modality, old.modality),
    body_part = coalesce(excluded.body_part, old.body_part),
    laterality = coalesce(excluded.laterality, old.laterality),
    manufacturer = coalesce(excluded.manufacturer, old.manufacturer),
    model = coalesce(excluded.model, old.model), updated_at = now()
where old.study_instance_uid = excluded.study_instance_uid;

-- name: new_actions
insert into attribute_actions (digest, actions) values (%(digest)s, %(actions)s) on conflict do nothing;

-- name: upsert_instance
insert into instance as old (sop_instance_uid, series_instance_uid, sop_class_uid, instance_number,
    view_position, photometric, "rows", "columns", number_of_frames, pixel_spacing_row, pixel_spacing_col,
    slice_thickness, kvp, age_years, attributes, pipeline_version, deidentification,
    key_id, actions)
values (%(sop_instance_uid)s, %(series_instance_uid)s, %(sop_class_uid)s, %(instance_number)s,
    %(view_position)s, %(photometric)s, %(rows)s, %(columns)s, %(number_of_frames)s,
    %(pixel_spacing_row)s, %(pixel_spacing_col)s, %(slice_thickness)s, %(kvp)s, %(age_years)s,
    %(attributes)s, %(pipeline_version)s, %(deidentification)s, %(key_id)s, %(actions)s)
on conflict (sop_instance_uid) do update
set sop_class_uid = excluded.sop_class_uid, instance_number = excluded.instance_number,
    view_position = excluded.view_position, photometric = excluded.photometric,
    "rows" = excluded."rows", "columns" = excluded."columns", number_of_frames = excluded.number_of_frames,
    pixel_spacing_row = excluded.pixel_spacing_row, pixel_spacing_col = excluded.pixel_spacing_col,
    slice_thickness = excluded.slice_thickness, kvp = excluded.kvp, age_years = excluded.age_years,
    attributes = excluded.attributes, pipeline_version = excluded.pipeline_version,
    deidentification = excluded.deidentification, key_id = excluded.key_id, actions = excluded.actions,
    updated_at = now()
where old.series_instance_uid = excluded.series_instance_uid;

-- name: upsert_image
insert into image (sop_instance_uid, frame, "rows", "columns", samples, bits, sha256, recipe, recipe_version)
values (%(sop_instance_uid)s, %(frame)s, %(rows)s, %(columns)s, %(samples)s, %(bits)s, %(sha256)s,
    %(recipe)s, %(recipe_version)s)
on conflict (sop_instance_uid, frame) do update
set "rows" = excluded."rows", "columns" = excluded."columns", samples = excluded.samples,
    bits = excluded.bits, sha256 = excluded.sha256, recipe = excluded.recipe, recipe_version = excluded.recipe_version;
