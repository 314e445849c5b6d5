-- The function that store_metadata calls.

-- Writes all rows of a metadata document, or none. Rows that are stored already are read and not updated: otherwise
-- the slices of a series would wait for one another. A row with another parent is refused as a conflict.
create or replace function record_document(this_patient jsonb, this_study jsonb, this_series jsonb, this_instance jsonb,
    these_images jsonb, these_actions jsonb) returns void
language plpgsql as $$
declare
    p patient := jsonb_populate_record(null::patient, this_patient);
    st study := jsonb_populate_record(null::study, this_study);
    se series := jsonb_populate_record(null::series, this_series);
    i instance := jsonb_populate_record(null::instance, this_instance);
    conflict text;
begin
    conflict := case
        when exists (select from study where study_instance_uid = st.study_instance_uid and patient_id <> p.patient_id)
            then 'The study''s UID is already stored under another patient.'
        when exists (select from series where series_instance_uid = se.series_instance_uid
            and study_instance_uid <> st.study_instance_uid)
            then 'The series''s UID is already stored under another study.'
        when exists (select from instance where sop_instance_uid = i.sop_instance_uid
            and series_instance_uid <> se.series_instance_uid)
            then 'The instance''s UID is already stored under another series.'
    end;
    if conflict is not null then
        -- common/database.py turns this SQLSTATE into a ConflictError.
        raise exception using errcode = 'U0001', message = conflict,
            hint = 'Find out which of the two is right; nothing was overwritten.';
    end if;

    perform from patient where patient_id = p.patient_id and sex is not distinct from coalesce(p.sex, sex);
    if not found then
        insert into patient as old (patient_id, sex) values (p.patient_id, p.sex)
        on conflict (patient_id) do update set sex = coalesce(excluded.sex, old.sex), updated_at = now();
    end if;

    perform from study where study_instance_uid = st.study_instance_uid
        and study_date is not distinct from coalesce(st.study_date, study_date);
    if not found then
        insert into study as old (study_instance_uid, patient_id, study_date)
        values (st.study_instance_uid, p.patient_id, st.study_date)
        on conflict (study_instance_uid) do update
        set study_date = coalesce(excluded.study_date, old.study_date), updated_at = now()
        where old.patient_id = excluded.patient_id;
        if not found then
            raise serialization_failure using message = 'stored under another parent meanwhile';
        end if;
    end if;

    perform from series where series_instance_uid = se.series_instance_uid
        and (modality, body_part, laterality, manufacturer, model) is not distinct from (coalesce(se.modality, modality),
            coalesce(se.body_part, body_part), coalesce(se.laterality, laterality),
            coalesce(se.manufacturer, manufacturer), coalesce(se.model, model));
    if not found then
        insert into series as old (series_instance_uid, study_instance_uid, modality, body_part, laterality, manufacturer, model)
        values (se.series_instance_uid, st.study_instance_uid, se.modality, se.body_part, se.laterality, se.manufacturer, se.model)
        on conflict (series_instance_uid) do update
        set modality = coalesce(excluded.modality, old.modality),
            body_part = coalesce(excluded.body_part, old.body_part),
            laterality = coalesce(excluded.laterality, old.laterality),
            manufacturer = coalesce(excluded.manufacturer, old.manufacturer),
            model = coalesce(excluded.model, old.model), updated_at = now()
        where old.study_instance_uid = excluded.study_instance_uid;
        if not found then
            raise serialization_failure using message = 'stored under another parent meanwhile';
        end if;
    end if;

    perform from attribute_actions where digest = i.actions;
    if not found then
        insert into attribute_actions (digest, actions) values (i.actions, these_actions) on conflict do nothing;
    end if;

    insert into instance as old (sop_instance_uid, series_instance_uid, sop_class_uid, instance_number,
        view_position, photometric, "rows", "columns", number_of_frames, pixel_spacing_row, pixel_spacing_col,
        slice_thickness, kvp, age_years, attributes, pipeline_version, deidentification, key_id, actions)
    values (i.sop_instance_uid, se.series_instance_uid, i.sop_class_uid, i.instance_number, i.view_position,
        i.photometric, i."rows", i."columns", i.number_of_frames, i.pixel_spacing_row, i.pixel_spacing_col,
        i.slice_thickness, i.kvp, i.age_years, i.attributes, i.pipeline_version, i.deidentification, i.key_id, i.actions)
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
    if not found then
        raise serialization_failure using message = 'stored under another parent meanwhile';
    end if;

    insert into image (sop_instance_uid, frame, "rows", "columns", samples, bits, sha256, recipe, recipe_version)
    select i.sop_instance_uid, m.frame, m."rows", m."columns", m.samples, m.bits, m.sha256, m.recipe, m.recipe_version
    from jsonb_populate_recordset(null::image, these_images) as m
    on conflict (sop_instance_uid, frame) do update
    set "rows" = excluded."rows", "columns" = excluded."columns", samples = excluded.samples, bits = excluded.bits,
        sha256 = excluded.sha256, recipe = excluded.recipe, recipe_version = excluded.recipe_version;
end $$;
comment on function record_document is 'Writes all rows of a metadata document; called by store_metadata when it settles.';
