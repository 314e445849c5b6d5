-- The function that quality calls.

-- Stores the verdict and the bucket of the image together, so that they always agree.
create or replace function record_verdict(this_uid text, this_frame int, this_bucket text, this_verdict text, this_by_model text,
    this_score double precision, this_threshold double precision, this_mean double precision, these_features jsonb,
    these_reasons text[], this_confidence text, this_model text, this_hash bytea) returns void
language plpgsql as $$
begin
    insert into verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features, reasons,
        confidence, model_version, picture_hash)
    values (this_uid, this_frame, this_verdict, this_by_model, this_score, this_threshold, this_mean, these_features,
        these_reasons, this_confidence, this_model, this_hash)
    on conflict (sop_instance_uid, frame) do update
    set verdict = excluded.verdict, by_model = excluded.by_model, score = excluded.score,
        threshold = excluded.threshold, mean_grey = excluded.mean_grey, features = excluded.features,
        reasons = excluded.reasons, confidence = excluded.confidence, model_version = excluded.model_version,
        picture_hash = excluded.picture_hash, checked_at = now();
    update image_allocation set bucket = this_bucket
    where sop_instance_uid = this_uid and frame = this_frame and bucket <> this_bucket;
end $$;
comment on function record_verdict is 'Stores a verdict and the bucket of its image; called by quality when it settles.';
