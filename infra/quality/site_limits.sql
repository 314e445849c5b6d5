-- Queries for the limits that a site has calibrated.

-- name: valid
select distinct on (modality) modality, review_from, reject_from from site_limits
where model_version = %(model_version)s order by modality, id desc;

-- name: store
insert into site_limits (modality, model_version, review_from, reject_from, patients, why, decided_by)
values (%(modality)s, %(model_version)s, %(review_from)s, %(reject_from)s, %(patients)s, %(why)s, %(who)s);
