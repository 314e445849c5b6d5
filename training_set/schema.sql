-- Images with the columns by which training sets and people select.

-- One place that joins all tables, so that every training set is selected from the same rows.
create view training_image as
select a.image_id, a.key, a.bucket, a.sop_instance_uid, a.frame, st.patient_id, st.study_instance_uid,
    se.series_instance_uid, se.modality, se.body_part, se.laterality, i.view_position, st.study_date, p.sex,
    i.age_years, se.manufacturer, se.model as device_model, i.sop_class_uid, i.instance_number, i.number_of_frames,
    i.photometric, im."rows", im."columns", im.samples, im.bits, i.pixel_spacing_row, i.pixel_spacing_col,
    i.slice_thickness, i.kvp, im.sha256, encode(v.picture_hash, 'hex') as picture_hash, v.verdict, v.by_model, v.score,
    v.threshold, v.mean_grey, v.confidence, array_to_string(v.reasons, '; ') as reasons,
    v.model_version as quality_model, e.is_localizer, im.recipe, im.recipe_version, i.deidentification, i.key_id,
    i.pipeline_version
from image_allocation a
join extraction e using (sop_instance_uid)
join image im using (sop_instance_uid, frame)
join instance i using (sop_instance_uid)
join series se using (series_instance_uid)
join study st using (study_instance_uid)
join patient p using (patient_id)
left join verdict v using (sop_instance_uid, frame);
comment on view training_image is 'One row for each image with all columns that a training set may contain, and its bucket.';

-- The columns that people filter by, without the technical ones. Nothing here tells when a file arrived, as the names of
-- image buckets do: arrival and shifted study date together give the patient's date shift.
create view image_overview as
select sop_instance_uid, frame, key, verdict, score, reasons, confidence, quality_model as model_version,
    is_localizer, series_instance_uid, study_instance_uid, patient_id, modality, body_part, laterality, view_position,
    study_date, sex, age_years, "rows", "columns", sha256, recipe, recipe_version
from training_image;
comment on view image_overview is 'One row for each image with the columns that people filter by, and its key; image_allocation has its bucket.';
