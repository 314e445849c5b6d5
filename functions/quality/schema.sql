-- The function that quality calls.

-- The one of an earlier version lacked the last argument; without the default its callers would fail, and with both
-- functions the grant, which names no arguments, would.
drop function if exists record_verdict(text, int, text, text, text, double precision, double precision, double precision,
    jsonb, text[], text, text, bytea);
-- Stores the verdict and the bucket of the image together, so that they always agree.
create or replace function record_verdict(this_uid text, this_frame int, this_bucket text, this_verdict text, this_by_model text,
    this_score double precision, this_threshold double precision, this_mean double precision, these_features jsonb,
    these_reasons text[], this_confidence text, this_model text, this_hash bytea,
    this_review_from double precision default null) returns void
language plpgsql as $$
begin
    insert into verdict (sop_instance_uid, frame, verdict, by_model, score, review_from, threshold, mean_grey, features,
        reasons, confidence, model_version, picture_hash)
    values (this_uid, this_frame, this_verdict, this_by_model, this_score, this_review_from, this_threshold, this_mean,
        these_features, these_reasons, this_confidence, this_model, this_hash)
    on conflict (sop_instance_uid, frame) do update
    set verdict = excluded.verdict, by_model = excluded.by_model, score = excluded.score,
        review_from = excluded.review_from, threshold = excluded.threshold, mean_grey = excluded.mean_grey,
        features = excluded.features, reasons = excluded.reasons, confidence = excluded.confidence, model_version = excluded.model_version,
        picture_hash = excluded.picture_hash, checked_at = now();
    update image_allocation set bucket = this_bucket
    where sop_instance_uid = this_uid and frame = this_frame and bucket <> this_bucket;
end $$;
comment on function record_verdict is 'Stores a verdict and the bucket of its image; called by quality when it settles.';
