-- From the files found to the images of a set. Runs in the transaction that has read the selected images.

-- name: files
select files_found, files_skipped, files_waiting, files_erased, files_held, files_quarantined, files_extracted,
    files_duplicate, files_difference
from balance;

-- name: images
-- Every image of an extracted instance, in one group. `labels` are the labels of the set; null: any label.
select coalesce(e.modality, se.modality, 'unknown') as modality, v.verdict,
    i.sop_instance_uid is not null and im.sop_instance_uid is not null as is_stored, e.is_localizer,
    coalesce(l.label_ids && %(labels)s::int[], l.image_id is not null) as is_labelled,
    s.image_id is not null as is_selected, count(*)::int as images
from image_allocation a
join extraction e using (sop_instance_uid)
left join image im on im.sop_instance_uid = a.sop_instance_uid and im.frame = a.frame
left join instance i on i.sop_instance_uid = a.sop_instance_uid
left join series se on se.series_instance_uid = i.series_instance_uid
left join verdict v on v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame
left join labelled_image l on l.image_id = a.image_id
left join selected_image s on s.image_id = a.image_id
where e.completed_at is not null or s.image_id is not null
group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6;
