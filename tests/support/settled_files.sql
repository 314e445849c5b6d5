-- Settled files of the pipeline: found on the NAS in folders of 1,000, extracted, stored and judged.
insert into source_folder (name, processed_at, mark)
select 'folder ' || i, now(), 'folder ' || i || '_processed' from generate_series(0, (:files - 1) / 1000) as i;
insert into source_file (folder_id, path, size, modified_at, state, raw_key, etag, sha256, copied_at, counted_as)
select 1 + (i - 1) / 1000, i || '.dcm', 500000, now(), 'copied', 'nas/folder ' || (i - 1) / 1000 || '/' || i || '.dcm',
    md5(i::text), repeat(md5(i::text), 2), now(), 'extracted'
from generate_series(1, :files) as i;
insert into ledger_item (function, bucket, key, etag, size, state, outcome, sop_instance_uid, patient_id, source, settled_at,
    counted_as)
select 'extract', 'raw', 'nas/folder ' || (i - 1) / 1000 || '/' || i || '.dcm', md5(i::text), 500000, 'done', 'extracted',
    '2.25.' || i, 'P' || left(md5((i / 40)::text), 20), 'file-' || i, now(), 'done'
from generate_series(1, :files) as i;
insert into ledger_item (function, bucket, key, etag, state, outcome, sop_instance_uid, source, settled_at, counted_as)
select 'store_metadata', 'metadata', 'P' || left(md5((i / 40)::text), 20) || '/2.25.1/2.25.2/2.25.' || i || '.json',
    md5(i::text), 'done', 'stored', '2.25.' || i, 'file-' || i, now(), 'done'
from generate_series(1, :files) as i;
insert into ledger_item (function, bucket, key, etag, state, outcome, sop_instance_uid, source, settled_at, counted_as)
select 'quality', 'images-' || (i - 1) / 400,
    'P' || left(md5((i / 40)::text), 20) || '/2.25.1/2.25.2/2.25.' || i || '/1.png', md5(i::text), 'done', 'good',
    '2.25.' || i, 'file-' || i, now(), 'done'
from generate_series(1, :files) as i;
insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, modality, recipe_version,
    pipeline_version, completed_at, counted_images)
select '2.25.' || i, i, md5(i::text), 1, 'CT', 3, '0.1.0', now(), '{1,0,0}'
from generate_series(1, :files) as i;
insert into image_bucket (bucket, allocated, capacity)
select 'images-' || (i - 1) / 400, count(*), 400 from generate_series(1, :files) as i group by 1;
insert into image_allocation (sop_instance_uid, frame, allocated_bucket, bucket, key)
select '2.25.' || i, 1, 'images-' || (i - 1) / 400, 'images-' || (i - 1) / 400,
    'P' || left(md5((i / 40)::text), 20) || '/2.25.1/2.25.2/2.25.' || i || '/1.png'
from generate_series(1, :files) as i;
insert into verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features, reasons,
    confidence, model_version)
select '2.25.' || i, 1, 'good', 'good', 0.1, 0.5, 100, '{}', '{}', 'normal', '2' from generate_series(1, :files) as i;
insert into settled_total (subject, category, number)
select subject, category, :files from (values ('file', 'extracted'), ('image', 'frames'), ('image', 'good'),
    ('extract', 'done'), ('store_metadata', 'done'), ('quality', 'done')) as told (subject, category) where :files > 0
