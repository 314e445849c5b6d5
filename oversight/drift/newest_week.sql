-- name: weeks
-- The weeks of the running model, the newest last.
select week, modality, device, patients, good, review, black, low_quality, scores, features from quality_week
where model_version = %(model_version)s and week > current_date - 100 order by week;
