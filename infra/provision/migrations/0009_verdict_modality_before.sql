-- The modality of verdicts that were stored before the trigger was there.

update verdict v set modality = e.modality from extraction e
where e.sop_instance_uid = v.sop_instance_uid and v.modality = '' and e.modality is not null;
