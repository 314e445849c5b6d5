-- Queries for new verdicts.

-- name: overruled
select distinct on (o.sop_instance_uid, o.frame) o.verdict, a.bucket, a.key, st.patient_id
from overruling o join image_allocation a using (sop_instance_uid, frame)
join instance using (sop_instance_uid) join series using (series_instance_uid)
join study st using (study_instance_uid)
order by o.sop_instance_uid, o.frame, o.id desc;
