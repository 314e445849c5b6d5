-- The first schema: tables and their triggers, by owner. Views and functions are in the owners' schema.sql files,
-- which are applied after every migration (infra/provision/schema.py).

-- == poll_nas: folders and files found on the NAS =====================================

create table source_folder (
    id            bigint generated always as identity primary key,
    name          text not null,
    generation    int not null default 1,
    looked_at     timestamptz not null default now(),
    quiet_since   timestamptz not null default now(),
    listed_time   timestamptz,
    processed_at  timestamptz,
    planned_mark  text,
    mark          text,
    absent_since  timestamptz,
    cause         text,
    unique (name, generation)
);
comment on table source_folder is 'One folder found on the NAS. Names may identify a patient: for the operator only.';
comment on column source_folder.id is 'Number of the folder; answers and logs give it instead of the name.';
comment on column source_folder.name is 'Name of the folder in the NAS root; empty for files directly in the root.';
comment on column source_folder.generation is 'Counts folders of the same name: a new one may come after the earlier one was marked as processed.';
comment on column source_folder.looked_at is 'Time of the last visit by a poll.';
comment on column source_folder.quiet_since is 'Since this time every listing had the same files, sizes and times.';
comment on column source_folder.listed_time is 'Modification time of the folder on the NAS at the last visit; if it changes, the folder is visited again.';
comment on column source_folder.processed_at is 'When every file of the folder was verified in raw; null while files are waiting.';
comment on column source_folder.planned_mark is 'The name that the folder will get; stored before the rename, so that a crash in between can be repaired.';
comment on column source_folder.mark is 'The new name of the folder on the NAS; null if folders are not renamed.';
comment on column source_folder.absent_since is 'When a listing of the root first lacked the folder while its files waited; null: it is there.';
comment on column source_folder.cause is 'Why the last visit failed, or that the folder is absent; null if neither.';
create index source_folder_mark on source_folder (mark) where mark is not null;
create index source_folder_cause on source_folder (id) where cause is not null;
create index source_folder_planned on source_folder (id) where planned_mark is not null and processed_at is null;

create table source_file (
    id            bigint generated always as identity primary key,
    folder_id     bigint not null references source_folder,
    path          text not null,
    version       int not null default 1,
    size          bigint not null,
    modified_at   timestamptz not null,
    state         text not null check (state in ('waiting', 'copied', 'skipped')),
    cause         text,
    blocked       boolean not null default false,
    tried_at      timestamptz,
    raw_key       text,
    etag          text,
    sha256        text,
    archive_id    bigint references source_file,
    replaces      bigint references source_file,
    found_at      timestamptz not null default now(),
    copied_at     timestamptz,
    counted_as    text,
    unique (folder_id, path, version)
);
comment on table source_file is 'One file found on the NAS. Paths may identify a patient: for the operator only.';
comment on column source_file.id is 'Number of the file.';
comment on column source_file.folder_id is 'The folder of the file.';
comment on column source_file.path is 'Path below the folder.';
comment on column source_file.version is 'Counts the contents that were found under the same path.';
comment on column source_file.size is 'Size in bytes, as the NAS lists it.';
comment on column source_file.modified_at is 'Modification time, by the clock of the NAS.';
comment on column source_file.state is 'waiting: not yet in raw; copied: verified in raw; skipped: never copied, see cause.';
comment on column source_file.cause is 'Why the file is skipped or, while it waits, why it was not copied yet.';
comment on column source_file.blocked is 'Whether a waiting file can''t be copied yet: a partial upload, or a folder that could not be listed.';
comment on column source_file.tried_at is 'When a copy of the waiting file failed last; null if none did since its last change.';
comment on column source_file.raw_key is 'Key of the copy in raw; stored before the file is copied.';
comment on column source_file.etag is 'ETag of the copy.';
comment on column source_file.sha256 is 'SHA-256 of the content as copied, in hex.';
comment on column source_file.archive_id is 'The .zip archive that contained the file; null for files directly on the NAS.';
comment on column source_file.replaces is 'The earlier content under the same folder name and path; null for the first.';
comment on column source_file.found_at is 'When a poll first listed the file.';
comment on column source_file.copied_at is 'When the copy was verified.';
comment on column source_file.counted_as is 'The category of settled_total that includes the file; null: not included yet.';
create index source_file_raw_key on source_file (raw_key);
create index source_file_waiting on source_file (folder_id) where state = 'waiting';
-- The condition of the query nas_refused in infra/health/status.sql: files that may hold images and were not copied.
create index source_file_refused on source_file (id) where state = 'skipped' and cause ~ '(archive, not|archive within|in its archive|partial upload that)';
create index source_file_uncounted on source_file (id) where counted_as is null;

create table nas_refusal (
    id          bigint generated always as identity primary key,
    salt        bytea not null,
    digest      bytea not null,
    cause       text not null,
    refused_at  timestamptz not null default now()
);
comment on table nas_refusal is 'Accounts that the NAS refused. They are not tried again, because the NAS would block the address.';
comment on column nas_refusal.id is 'Number of the refusal.';
comment on column nas_refusal.salt is 'Salt of the digest.';
comment on column nas_refusal.digest is 'scrypt digest of host, user and password; with other settings a login is tried.';
comment on column nas_refusal.cause is 'What was refused, and the setting to fix.';
comment on column nas_refusal.refused_at is 'Time of the refusal.';

-- == The ledger: who works on which object version, and how it ended =================

create table ledger_item (
    id               bigint generated always as identity primary key,
    function         text not null,
    bucket           text not null,
    key              text not null,
    etag             text not null,
    size             bigint,
    state            text not null check (state in ('running', 'done', 'retry', 'held', 'quarantined')),
    attempts         int not null default 1,
    crashes          int not null default 0,
    lease            uuid,
    lease_until      timestamptz,
    due_at           timestamptz,
    outcome          text,
    cause            text,
    next_step        text,
    sop_instance_uid text,
    patient_id       text,
    device           text,
    moved_to_bucket  text,
    moved_to_key     text,
    pending_delete   boolean not null default false,
    releases         int not null default 0,
    released_by      text,
    released_why     text,
    released_at      timestamptz,
    blank            jsonb,
    text_finding     text,
    text_boxes       jsonb,
    source           text,
    worker           text,
    first_seen_at    timestamptz not null default now(),
    started_at       timestamptz not null default now(),
    settled_at       timestamptz,
    counted_as       text,
    unique (function, bucket, key, etag)
);
comment on table ledger_item is 'One row for each function and object version: its state and how it ended.';
comment on column ledger_item.id is 'Number of the item in answers and logs.';
comment on column ledger_item.function is 'The function that owns the item.';
comment on column ledger_item.bucket is 'Bucket of the object.';
comment on column ledger_item.key is 'Key of the object; in raw it contains a NAS path.';
comment on column ledger_item.etag is 'ETag of the version.';
comment on column ledger_item.size is 'Bytes of the object, if known.';
comment on column ledger_item.state is 'running: leased; done, held, quarantined: settled; retry: due again at due_at.';
comment on column ledger_item.attempts is 'Number of attempts, counted at the claim, so that crashed attempts count too.';
comment on column ledger_item.crashes is 'Crashes in a row: the lease ran out, or the code failed.';
comment on column ledger_item.lease is 'Random number of the lease; only the worker that knows it can settle the item.';
comment on column ledger_item.lease_until is 'When another worker may claim the item.';
comment on column ledger_item.due_at is 'When an item that waits for a retry is due.';
comment on column ledger_item.outcome is 'How a done item ended: extracted, duplicate, skipped, withdrawn, erased, stored, good, black, low_quality, imported.';
comment on column ledger_item.cause is 'Why the item is skipped, held, quarantined or waits for a retry.';
comment on column ledger_item.next_step is 'What a person can do.';
comment on column ledger_item.sop_instance_uid is 'Pseudonymous SOP Instance UID of the item, once known.';
comment on column ledger_item.patient_id is 'Pseudonym of the patient, if the header could be read; extract only.';
comment on column ledger_item.device is 'Manufacturer, model and picture size of a held file, in words that may leave raw.';
comment on column ledger_item.moved_to_bucket is 'Bucket of moved_to_key.';
comment on column ledger_item.moved_to_key is 'Key of the object after it was moved; null if it was not moved.';
comment on column ledger_item.pending_delete is 'Whether the object must still be deleted at its old location, which the sweep does not list.';
comment on column ledger_item.releases is 'How often a person released the item from the burned-in text gate.';
comment on column ledger_item.released_by is 'Who released the item last.';
comment on column ledger_item.released_why is 'Why it was released.';
comment on column ledger_item.released_at is 'When it was released.';
comment on column ledger_item.blank is 'Rectangles that a person wants to be made black: left, top, width and height of each.';
comment on column ledger_item.text_finding is 'What the search for text in the pictures of a held file found: nothing, unread, text or identity.';
comment on column ledger_item.text_boxes is 'Where it was found: frame, rectangle and finding of each place; never the text.';
comment on column ledger_item.source is 'Where the item came from: file-N of source_file, or item-N for an object put into raw directly; in every log line.';
comment on column ledger_item.worker is 'Host and process that claimed it last.';
comment on column ledger_item.first_seen_at is 'When the row was inserted.';
comment on column ledger_item.started_at is 'When the item was claimed last.';
comment on column ledger_item.settled_at is 'When the item was settled.';
comment on column ledger_item.counted_as is 'done: included in settled_total; a category: also included as a file without source_file; null: not included.';
-- All frequent queries use this index: it contains only the rows that settled_total does not include yet.
create index ledger_item_uncounted on ledger_item (function, state, due_at, lease_until) where counted_as is null;
create index ledger_item_aside on ledger_item (function, state) where state in ('held', 'quarantined');
create index ledger_item_patient on ledger_item (patient_id) where patient_id is not null;
create index ledger_item_instance on ledger_item (sop_instance_uid) where sop_instance_uid is not null;
create index ledger_item_pending_delete on ledger_item (function) where pending_delete;
-- Where the objects of settled items are, in the order of a listing of the store; for reconcile.
create index ledger_item_location on ledger_item (coalesce(moved_to_bucket, bucket), coalesce(moved_to_key, key) collate "C")
    where state in ('done', 'held', 'quarantined')
    and (function in ('extract', 'store_metadata', 'annotations') or (function = 'quality' and state = 'quarantined'));

create table ledger_attempt (
    item_id    bigint not null references ledger_item on delete cascade,
    attempt    int not null,
    state      text not null,
    outcome    text,
    cause      text,
    worker     text,
    started_at timestamptz not null,
    ended_at   timestamptz not null,
    primary key (item_id, attempt)
);
comment on table ledger_attempt is 'Earlier attempts of items; the row of the item describes its last attempt.';
comment on column ledger_attempt.item_id is 'The item.';
comment on column ledger_attempt.attempt is 'Number of the attempt, from 1.';
comment on column ledger_attempt.state is 'retry: it failed temporarily; crashed; otherwise the state in which the item was settled before a replay.';
comment on column ledger_attempt.outcome is 'Outcome, if the item was settled.';
comment on column ledger_attempt.cause is 'Why the attempt ended.';
comment on column ledger_attempt.worker is 'Host and process.';
comment on column ledger_attempt.started_at is 'When the item was claimed.';
comment on column ledger_attempt.ended_at is 'When the attempt ended, or its lease ran out.';
create index ledger_attempt_ended on ledger_attempt (ended_at);

-- Sets where a new item came from; every log line contains it.
create function item_source() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.function = 'extract' then
        select 'file-' || id into new.source from source_file where raw_key = new.key order by id desc limit 1;
        new.source := coalesce(new.source, 'item-' || new.id);
    elsif new.function in ('store_metadata', 'quality') then
        -- Keys of the objects that extract makes: <patient>/<study>/<series>/<instance>, then .json or /<frame>.png.
        select l.source into new.source from extraction e join ledger_item l on l.id = e.item_id
        where e.sop_instance_uid = case new.function
            when 'quality' then split_part(new.key, '/', 4)
            else regexp_replace(new.key, '^.*/|\.json$', '', 'g') end;
    else
        new.source := 'item-' || new.id;
    end if;
    return new;
end $$;
create trigger item_source before insert on ledger_item for each row execute function item_source();

-- Stores an attempt when a later one begins. An item that is settled at the first attempt has no row here.
create function item_attempt() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into ledger_attempt (item_id, attempt, state, outcome, cause, worker, started_at, ended_at)
    values (old.id, old.attempts,
        case when new.state = 'running' then 'crashed' when old.state = 'running' then 'retry' else old.state end,
        old.outcome,
        case when new.state = 'running' then 'The attempt crashed: its lease ran out.'
            when old.state = 'running' then new.cause else old.cause end,
        old.worker, old.started_at,
        case when new.state = 'running' then old.lease_until else coalesce(old.settled_at, now()) end)
    on conflict (item_id, attempt) do nothing;
    return null;
end $$;
create trigger item_attempt after update on ledger_item for each row
    when ((old.state <> 'retry' and new.state = 'retry') or (old.state = 'running' and new.attempts > old.attempts))
    execute function item_attempt();

-- If an object is announced again after it was moved, it is at its old location again, and must be deleted again.
-- One cause is a copy whose event was handled before the copy was recorded. Claims do not run this trigger: they
-- change the existing row themselves.
create function item_put_again() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update ledger_item set pending_delete = true
    where function = new.function and bucket = new.bucket and key = new.key and etag = new.etag
        and state in ('done', 'held', 'quarantined') and (moved_to_bucket is not null or outcome = 'erased');
    return new;
end $$;
create trigger item_put_again before insert on ledger_item for each row when (new.attempts = 0) execute function item_put_again();

-- == extract: SOP instances and their images =========================================

create table extraction (
    sop_instance_uid text primary key,
    item_id          bigint not null references ledger_item,
    content_digest   text not null,
    number_of_frames int not null check (number_of_frames > 0),
    modality         text,
    is_localizer     boolean not null default false,
    recipe_version   int not null,
    pipeline_version text not null,
    allocated_at     timestamptz not null default now(),
    completed_at     timestamptz,
    deidentified_key  text,
    deidentified_etag text,
    deidentified_size bigint,
    counted_images   int[]
);
comment on table extraction is 'One row for each SOP instance that extract has registered.';
comment on column extraction.sop_instance_uid is 'Pseudonymous SOP Instance UID.';
comment on column extraction.item_id is 'The item of the file that contained it first; other files with the same content are duplicates.';
comment on column extraction.content_digest is 'Keyed digest (HMAC-SHA256) of the attributes and pixels in the file, to distinguish a duplicate from a conflict.';
comment on column extraction.number_of_frames is 'Number of frames, so of images.';
comment on column extraction.modality is '(0008,0060) Modality, for quality, which may run before the metadata rows exist.';
comment on column extraction.is_localizer is 'Whether Image Type says that it is a scout, which looks like a good radiograph.';
comment on column extraction.recipe_version is 'Version of the picture recipe that drew it last.';
comment on column extraction.pipeline_version is 'Version of dcm2set that drew it last.';
comment on column extraction.allocated_at is 'When its images were allocated to buckets.';
comment on column extraction.completed_at is 'When all of its outputs were written; null before that.';
comment on column extraction.deidentified_key is 'Key of its de-identified file in deidentified; null before it is complete.';
comment on column extraction.deidentified_etag is 'ETag of that file.';
comment on column extraction.deidentified_size is 'Bytes of that file.';
comment on column extraction.counted_images is 'Numbers of its good, black and low_quality images that settled_total includes; null: not included yet.';
create index extraction_deidentified on extraction (deidentified_key collate "C");
create index extraction_uncounted on extraction (completed_at) where counted_images is null;

create table known_parent (
    uid    text primary key,
    parent text not null
);
comment on table known_parent is 'The patient of each study, and the study of each series, of the extracted instances.';
comment on column known_parent.uid is 'Pseudonymous UID of a study or series.';
comment on column known_parent.parent is 'The pseudonym of the patient of the study, or the UID of the study of the series.';

create table item_conflict (
    item_id             bigint primary key references ledger_item on delete cascade,
    patient_id          text not null,
    study_instance_uid  text not null,
    series_instance_uid text not null,
    sop_instance_uid    text not null,
    content_digest      text not null,
    found_at            timestamptz not null default now(),
    withdrawn_at        timestamptz
);
comment on table item_conflict is 'Files that contradict an extracted one, until a person decides which stands; and those that were withdrawn.';
comment on column item_conflict.item_id is 'The item of the file.';
comment on column item_conflict.patient_id is 'The pseudonym of its patient.';
comment on column item_conflict.study_instance_uid is 'Its pseudonymous Study Instance UID.';
comment on column item_conflict.series_instance_uid is 'Its pseudonymous Series Instance UID.';
comment on column item_conflict.sop_instance_uid is 'Its pseudonymous SOP Instance UID.';
comment on column item_conflict.content_digest is 'Its content, as in extraction.';
comment on column item_conflict.found_at is 'When the conflict was found, or the file withdrawn.';
comment on column item_conflict.withdrawn_at is 'When a person decided that another file stands; null: not decided.';
create index item_conflict_instance on item_conflict (sop_instance_uid);

create table resolution (
    id          bigint generated always as identity primary key,
    item_id     bigint not null references ledger_item,
    kept        text not null check (kept in ('this', 'other')),
    others      bigint[] not null,
    why         text not null,
    decided_by  text not null,
    decided_at  timestamptz not null default now(),
    finished_at timestamptz
);
comment on table resolution is 'Decisions of persons between files that contradict one another.';
comment on column resolution.id is 'Number of the decision.';
comment on column resolution.item_id is 'The item that was set aside.';
comment on column resolution.kept is 'this: the item stands; other: the others stand.';
comment on column resolution.others is 'The items that it contradicted.';
comment on column resolution.why is 'Why, in their words.';
comment on column resolution.decided_by is 'Who decided.';
comment on column resolution.decided_at is 'When it was decided.';
comment on column resolution.finished_at is 'When everything withdrawn was deleted; null: run the command again.';
create index resolution_item on resolution (item_id);

create table withdrawn_object (
    bucket           text not null,
    key              text not null,
    sop_instance_uid text not null,
    primary key (bucket, key)
);
comment on table withdrawn_object is 'Objects of withdrawn instances that are still to be deleted; their instances can''t be extracted meanwhile.';
comment on column withdrawn_object.bucket is 'Bucket of the object.';
comment on column withdrawn_object.key is 'Key of the object.';
comment on column withdrawn_object.sop_instance_uid is 'The instance.';
create index withdrawn_object_instance on withdrawn_object (sop_instance_uid);

create table image_bucket (
    bucket     text primary key,
    allocated  int not null default 0,
    capacity   int not null,
    created_at timestamptz not null default now(),
    check (allocated <= capacity)
);
comment on table image_bucket is 'The image buckets, and the number of images allocated to each.';
comment on column image_bucket.bucket is 'Name of the bucket: prefix and UTC time.';
comment on column image_bucket.allocated is 'Number of images allocated to it.';
comment on column image_bucket.capacity is 'Greatest number of images in it.';
comment on column image_bucket.created_at is 'When the bucket was created.';

create table image_allocation (
    sop_instance_uid text not null references extraction,
    frame            int not null check (frame > 0),
    allocated_bucket text not null references image_bucket,
    key              text not null,
    bucket           text not null,
    allocated_at     timestamptz not null default now(),
    image_id         bigint generated always as identity unique,
    primary key (sop_instance_uid, frame)
);
comment on table image_allocation is 'The location of each image; the bucket is allocated once.';
comment on column image_allocation.sop_instance_uid is 'Pseudonymous SOP Instance UID.';
comment on column image_allocation.frame is 'Frame number, from 1.';
comment on column image_allocation.allocated_bucket is 'The image bucket to which the image was allocated.';
comment on column image_allocation.key is 'Key of the image, the same in both buckets.';
comment on column image_allocation.bucket is 'The bucket of the image now: the allocated bucket, or suboptimal.';
comment on column image_allocation.allocated_at is 'When the image was allocated.';
comment on column image_allocation.image_id is 'Number of the image; short, for label rows.';
create index image_allocation_allocated on image_allocation (allocated_bucket, bucket);
create index image_allocation_key on image_allocation (key);
create index image_allocation_suboptimal on image_allocation (key collate "C") where bucket = 'suboptimal';

-- == Erasure =========================================================================

create table pseudonym_space (
    number     int generated always as identity primary key,
    name       text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    key_check  text not null unique,
    started_by text not null,
    started_at timestamptz not null default now()
);
comment on table pseudonym_space is 'One row for each pseudonym key that the database has had; usually one. The last one is in use.';
comment on column pseudonym_space.number is 'Number of the space; the greatest is the current one.';
comment on column pseudonym_space.name is 'Name of the space; first for the first one.';
comment on column pseudonym_space.key_check is 'Keyed check value, by which the key is recognised without being revealed.';
comment on column pseudonym_space.started_by is 'Who started the space.';
comment on column pseudonym_space.started_at is 'When it was started.';

create table backup_taken (
    id       bigint generated always as identity primary key,
    folder   text not null,
    taken_at timestamptz not null
);
comment on table backup_taken is 'Backups that were taken; an erasure names those that may hold the patient.';
comment on column backup_taken.id is 'Number of the backup.';
comment on column backup_taken.folder is 'The folder into which it was written.';
comment on column backup_taken.taken_at is 'The state that the backup has.';

create table erased_patient (
    patient_id text primary key,
    erased_by  text not null,
    why        text not null,
    erased_at  timestamptz not null default now(),
    space      int references pseudonym_space
);
comment on table erased_patient is 'Patients whose data was erased on request; new files of theirs are erased too.';
comment on column erased_patient.patient_id is 'The pseudonym.';
comment on column erased_patient.erased_by is 'Who erased it.';
comment on column erased_patient.why is 'Why, in their words.';
comment on column erased_patient.erased_at is 'When the data was first erased.';
comment on column erased_patient.space is 'The space of the pseudonym; its key must stay known as long as the patient must stay erased.';

-- == store_metadata: patients, studies, series, instances, images ====================

create table patient (
    patient_id text primary key,
    sex        text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table patient is 'Patients by pseudonym.';
comment on column patient.patient_id is 'Keyed pseudonym; no table maps it to a patient.';
comment on column patient.sex is '(0010,0040) Patient''s Sex: M, F or O.';
comment on column patient.created_at is 'When the row was inserted.';
comment on column patient.updated_at is 'When the row was last updated.';

create table study (
    study_instance_uid text primary key,
    patient_id         text not null references patient,
    study_date         date,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now()
);
comment on table study is 'Studies by pseudonymous UID.';
comment on column study.study_instance_uid is 'Pseudonymous Study Instance UID.';
comment on column study.patient_id is 'The patient of the study.';
comment on column study.study_date is '(0008,0020) Study Date, shifted by a number of days that is different for each patient.';
comment on column study.created_at is 'When the row was inserted.';
comment on column study.updated_at is 'When the row was last updated.';

create table series (
    series_instance_uid text primary key,
    study_instance_uid  text not null references study,
    modality            text,
    body_part           text,
    laterality          text,
    manufacturer        text,
    model               text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now()
);
comment on table series is 'Series by pseudonymous UID.';
comment on column series.series_instance_uid is 'Pseudonymous Series Instance UID.';
comment on column series.study_instance_uid is 'The study of the series.';
comment on column series.modality is '(0008,0060) Modality.';
comment on column series.body_part is '(0018,0015) Body Part Examined.';
comment on column series.laterality is '(0020,0060) Laterality or (0020,0062) Image Laterality: L, R, B or U.';
comment on column series.manufacturer is '(0008,0070) Manufacturer.';
comment on column series.model is '(0008,1090) Manufacturer''s Model Name.';
comment on column series.created_at is 'When the row was inserted.';
comment on column series.updated_at is 'When the row was last updated.';

create table attribute_actions (
    digest  text primary key,
    actions jsonb not null
);
comment on table attribute_actions is 'Actions of the de-identification on elements; one row for all instances with the same actions.';
comment on column attribute_actions.digest is 'SHA-256 of the actions as JSON, in hex.';
comment on column attribute_actions.actions is 'Number of elements by action (kept, shifted, replaced, cleaned, emptied, removed) and keyword.';

create table instance (
    sop_instance_uid    text primary key,
    series_instance_uid text not null references series,
    sop_class_uid       text not null,
    instance_number     int,
    view_position       text,
    photometric         text,
    "rows"              int,
    "columns"           int,
    number_of_frames    int not null,
    pixel_spacing_row   double precision,
    pixel_spacing_col   double precision,
    slice_thickness     double precision,
    kvp                 double precision,
    age_years           double precision,
    attributes          jsonb not null,
    pipeline_version    text not null,
    deidentification    text not null,
    key_id              text not null,
    actions             text not null references attribute_actions,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now()
);
comment on table instance is 'SOP instances by pseudonymous UID.';
comment on column instance.sop_instance_uid is 'Pseudonymous SOP Instance UID.';
comment on column instance.series_instance_uid is 'The series of the instance.';
comment on column instance.sop_class_uid is '(0008,0016) SOP Class UID.';
comment on column instance.instance_number is '(0020,0013) Instance Number.';
comment on column instance.view_position is '(0018,5101) View Position.';
comment on column instance.photometric is '(0028,0004) Photometric Interpretation.';
comment on column instance."rows" is '(0028,0010) Rows.';
comment on column instance."columns" is '(0028,0011) Columns.';
comment on column instance.number_of_frames is '(0028,0008) Number of Frames, 1 where absent.';
comment on column instance.pixel_spacing_row is '(0028,0030) Pixel Spacing or (0018,1164) Imager Pixel Spacing between rows, mm.';
comment on column instance.pixel_spacing_col is 'The same between columns, mm.';
comment on column instance.slice_thickness is '(0018,0050) Slice Thickness, mm.';
comment on column instance.kvp is '(0018,0060) KVP, kV.';
comment on column instance.age_years is '(0010,1010) Patient''s Age in years, 90 for everyone over 89.';
comment on column instance.attributes is 'All other allowed attributes by DICOM keyword.';
comment on column instance.pipeline_version is 'Version of dcm2set that extracted it.';
comment on column instance.deidentification is 'De-identification profile and its version.';
comment on column instance.key_id is 'Identifies the pseudonym key without revealing it.';
comment on column instance.actions is 'Actions of the de-identification on its elements.';
comment on column instance.created_at is 'When the row was inserted.';
comment on column instance.updated_at is 'When the row was last updated.';

create table image (
    sop_instance_uid text not null references instance,
    frame            int not null,
    "rows"           int not null,
    "columns"        int not null,
    samples          int not null,
    bits             int not null,
    sha256           text not null,
    recipe           text not null,
    recipe_version   int not null,
    created_at       timestamptz not null default now(),
    primary key (sop_instance_uid, frame)
);
comment on table image is 'One image for each frame.';
comment on column image.sop_instance_uid is 'The SOP instance of the image.';
comment on column image.frame is 'Frame number, from 1.';
comment on column image."rows" is 'Height of the picture in pixels.';
comment on column image."columns" is 'Width of the picture in pixels.';
comment on column image.samples is '1 grey, 3 RGB.';
comment on column image.bits is 'Bits of each sample: 8, or 16 for modality values.';
comment on column image.sha256 is 'SHA-256 of the PNG file, in hex.';
comment on column image.recipe is 'How its grey levels or colours were made, in words.';
comment on column image.recipe_version is 'Version of the picture recipe that drew it.';
comment on column image.created_at is 'When the row was inserted.';

-- == quality: verdicts ===============================================================

create table verdict (
    sop_instance_uid text not null,
    frame            int not null,
    verdict          text not null check (verdict in ('good', 'black', 'low_quality')),
    by_model         text not null check (by_model in ('good', 'black', 'low_quality')),
    score            double precision not null,
    threshold        double precision not null,
    mean_grey        double precision not null,
    features         jsonb not null,
    reasons          text[] not null,
    confidence       text not null check (confidence in ('normal', 'low')),
    model_version    text not null,
    picture_hash     bytea check (length(picture_hash) = 32),
    checked_at       timestamptz not null default now(),
    primary key (sop_instance_uid, frame),
    foreign key (sop_instance_uid, frame) references image_allocation
);
comment on table verdict is 'The result of the quality check of each image.';
comment on column verdict.sop_instance_uid is 'Pseudonymous SOP Instance UID.';
comment on column verdict.frame is 'Frame number, from 1.';
comment on column verdict.verdict is 'The verdict in force, good, black or low_quality: a person''s overruling, otherwise that of the model.';
comment on column verdict.by_model is 'The verdict of the black check or the model.';
comment on column verdict.score is 'Probability that the image is bad, 0 to 1; 1 for a black image.';
comment on column verdict.threshold is 'Score from which the image counts as low_quality.';
comment on column verdict.mean_grey is 'Mean grey level, 0 to 255.';
comment on column verdict.features is 'Features of the image that the model uses, by name; empty for a black image.';
comment on column verdict.reasons is 'Up to three features that count most against the image, strongest first.';
comment on column verdict.confidence is 'low: the model has seen too few images of the modality.';
comment on column verdict.model_version is 'Version of the model.';
comment on column verdict.picture_hash is 'Perceptual hash of the picture, 256 bits, similar for similar pictures; null if the picture is nearly uniform.';
comment on column verdict.checked_at is 'When the image was checked.';

create table overruling (
    id               bigint generated always as identity primary key,
    sop_instance_uid text not null,
    frame            int not null,
    verdict          text not null check (verdict in ('good', 'low_quality')),
    why              text not null,
    decided_by       text not null,
    decided_at       timestamptz not null default now(),
    foreign key (sop_instance_uid, frame) references image_allocation
);
comment on table overruling is 'Verdicts of persons; the newest of an image overrules the model.';
comment on column overruling.id is 'Number of the overruling; the greatest of an image is its newest.';
comment on column overruling.sop_instance_uid is 'Pseudonymous SOP Instance UID.';
comment on column overruling.frame is 'Frame number, from 1.';
comment on column overruling.verdict is 'The person''s verdict.';
comment on column overruling.why is 'Why, in their words.';
comment on column overruling.decided_by is 'Who decided.';
comment on column overruling.decided_at is 'When it was decided.';
create index overruling_image on overruling (sop_instance_uid, frame);

-- == annotations: labels =============================================================

create table label_name (
    id   int generated always as identity primary key,
    name text not null unique
);
comment on table label_name is 'Names of labels; rows of labels refer to the number.';
comment on column label_name.id is 'Number of the label.';
comment on column label_name.name is 'The label as in the label file.';

create table annotator (
    id   int generated always as identity primary key,
    name text not null unique
);
comment on table annotator is 'Annotators, persons or programs, as in label files.';
comment on column annotator.id is 'Number of the annotator.';
comment on column annotator.name is 'Name or number as in the label file; empty where the file has none.';

create table label_control (
    id   int generated always as identity primary key,
    name text not null unique
);
comment on table label_control is 'Questions with several labels to choose from: a label that was not chosen is absent.';
comment on column label_control.id is 'Number of the control.';
comment on column label_control.name is 'A project of Label Studio, or Finding Labels of a ChestX-ray14 table.';

create table label_import (
    id          bigint generated always as identity primary key,
    key         text not null,
    etag        text not null,
    digest      text unique,
    format      text not null,
    accepted    bigint not null default 0,
    repeated    bigint not null default 0,
    superseded  bigint not null default 0,
    held        bigint not null default 0,
    refused     bigint not null default 0,
    imported_at timestamptz not null default now(),
    unique (key, etag)
);
comment on table label_import is 'Label files that were imported.';
comment on column label_import.id is 'Number of the import; a larger one is newer.';
comment on column label_import.key is 'The file''s key in annotations.';
comment on column label_import.etag is 'ETag of the file.';
comment on column label_import.digest is 'SHA-256 of the file; null for a file of the same bytes as an earlier one.';
comment on column label_import.format is 'Recognised form of the file.';
comment on column label_import.accepted is 'Labels of known images.';
comment on column label_import.repeated is 'Labels that were in the file more than once, or in an earlier file of the same bytes.';
comment on column label_import.superseded is 'Earlier labels of the same annotators that these replace.';
comment on column label_import.held is 'Labels of images that were not known yet.';
comment on column label_import.refused is 'Labels that could not be imported.';
comment on column label_import.imported_at is 'When the file was imported.';

-- The following tables have no foreign keys, because their rows come by the million: four checks a row took three
-- times as long as the row itself. Each transaction that inserts a row also inserts the rows that it refers to.
create table label (
    id           bigint generated always as identity,
    import_id    bigint not null,
    image_id     bigint not null,
    labelled_at  timestamptz not null,
    line         int not null,
    label_id     int not null,
    annotator_id int not null,
    value        real check (value = -1 or value between 0 and 1),
    control_id   int
);
comment on table label is 'Labels of single images, as delivered; rows are never changed.';
comment on column label.id is 'Number of the row.';
comment on column label.import_id is 'The import of the label file.';
comment on column label.image_id is 'The image.';
comment on column label.labelled_at is 'When the annotator labelled the image: the time in the file, otherwise the time of the import.';
comment on column label.line is 'Line in the label file, from 1; in a JSON array the number of the task.';
comment on column label.label_id is 'The label.';
comment on column label.annotator_id is 'The annotator.';
comment on column label.value is '1 present, 0 absent, -1 uncertain, or a probability; null: withdrawn, so the label is unknown again.';
comment on column label.control_id is 'The control that was answered; Label Studio and ChestX-ray14 only.';
create index label_image on label (image_id);

create table held_label (
    id               bigint generated always as identity,
    import_id        bigint not null,
    line             int not null,
    label_id         int,
    annotator_id     int not null,
    path             text,
    sop_instance_uid text not null,
    frame            int,
    value            real check (value = -1 or value between 0 and 1),
    labelled_at      timestamptz not null,
    control_id       int
);
comment on table held_label is 'Labels of images that are not known yet; moved to label once the image exists.';
comment on column held_label.id is 'Number of the row.';
comment on column held_label.import_id is 'The import of the label file.';
comment on column held_label.line is 'Line in the label file.';
comment on column held_label.label_id is 'The label; null: the row only says that the control was answered.';
comment on column held_label.annotator_id is 'The annotator.';
comment on column held_label.path is 'The end of the image''s key, of pseudonyms only; null: the file names no folders.';
comment on column held_label.sop_instance_uid is 'The image''s pseudonymous SOP Instance UID.';
comment on column held_label.frame is 'The image''s frame; null: the only frame of the instance.';
comment on column held_label.value is '1 present, 0 absent, -1 uncertain, or a probability; of an answer: see label_answer.value.';
comment on column held_label.labelled_at is 'When the annotator labelled the image.';
comment on column held_label.control_id is 'The control that was answered; Label Studio and ChestX-ray14 only.';
create index held_label_instance on held_label (sop_instance_uid);

create table group_label (
    id           bigint generated always as identity,
    import_id    bigint not null,
    line         int not null,
    label_id     int not null,
    annotator_id int not null,
    level        text not null check (level in ('instance', 'series', 'study')),
    uid          text not null,
    value        real not null check (value = -1 or value between 0 and 1),
    labelled_at  timestamptz not null
);
comment on table group_label is 'Labels of all images of an instance, series or study, also of images that are added later.';
comment on column group_label.id is 'Number of the row.';
comment on column group_label.import_id is 'The import of the label file.';
comment on column group_label.line is 'Line in the label file.';
comment on column group_label.label_id is 'The label.';
comment on column group_label.annotator_id is 'The annotator.';
comment on column group_label.level is 'instance, series or study.';
comment on column group_label.uid is 'Pseudonymous UID of the instance, series or study.';
comment on column group_label.value is '1 present, 0 absent, -1 uncertain, or a probability.';
comment on column group_label.labelled_at is 'When the annotator labelled the image.';
create index group_label_uid on group_label (level, uid);

create table label_answer (
    image_id     bigint not null,
    annotator_id int not null,
    control_id   int not null,
    import_id    bigint not null,
    line         int not null,
    labelled_at  timestamptz not null,
    value        real,
    primary key (image_id, annotator_id, control_id)
);
comment on table label_answer is 'The newest answer of an annotator to a control; labels that it does not choose again get its value.';
comment on column label_answer.image_id is 'The image.';
comment on column label_answer.annotator_id is 'The annotator.';
comment on column label_answer.control_id is 'The control.';
comment on column label_answer.import_id is 'The import of the label file.';
comment on column label_answer.line is 'Line in the label file.';
comment on column label_answer.labelled_at is 'When the annotator answered.';
comment on column label_answer.value is '0: other labels are absent; null: the answer was cancelled, and they are unknown.';

create table label_rule (
    one       boolean primary key default true check (one),
    rule      text not null default 'last' check (rule in ('last', 'majority', 'any', 'all')),
    uncertain text not null default 'keep' check (uncertain in ('keep', '0', '1', 'missing'))
);
comment on table label_rule is 'How the labels of several annotators become one label; one row, from the settings.';
comment on column label_rule.one is 'Always true, so that there is only one row.';
comment on column label_rule.rule is 'last: the newest label; majority: most votes; any: one positive vote is enough; all: all votes must be positive.';
comment on column label_rule.uncertain is 'What an uncertain label becomes: keep (-1), 0, 1, or missing (no row).';
insert into label_rule default values;

-- == Training sets ===================================================================

-- The frozen versions of training sets, and the split of each patient.

create table training_set_version (
    id         bigint generated always as identity primary key,
    name       text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    number     int not null check (number > 0),
    query      text not null,
    options    jsonb not null,
    digest     text not null,
    counts     jsonb not null,
    created_at timestamptz not null,
    unique (name, number)
);
comment on table training_set_version is 'Frozen versions of training sets; their files are in the bucket training-sets.';
comment on column training_set_version.id is 'Number of the version among all sets.';
comment on column training_set_version.name is 'Name of the set.';
comment on column training_set_version.number is 'Number of the version in its set, from 1.';
comment on column training_set_version.query is 'The complete selection, with the implicit conditions.';
comment on column training_set_version.options is 'The given options: selection, labels, rule, splits, seed.';
comment on column training_set_version.digest is 'SHA-256 of the frozen content except number and time, in hex.';
comment on column training_set_version.counts is 'Numbers of images, patients and studies, in total and by split, and of images left out.';
comment on column training_set_version.created_at is 'When it was frozen; the only time in its files.';

create table training_set_patient (
    version_id bigint not null references training_set_version,
    patient_id text not null,
    split      text not null check (split in ('train', 'validation', 'test')),
    primary key (patient_id, version_id)
);
comment on table training_set_patient is 'The patients in each version; a patient has the same split in all versions of a set.';
comment on column training_set_patient.version_id is 'The version.';
comment on column training_set_patient.patient_id is 'The pseudonym; it stays after an erasure, as the frozen files do.';
comment on column training_set_patient.split is 'The split that contains all images of the patient.';

-- == Reconcile: ledger, tables and object store compared =============================

create table reconcile_pass (
    id          bigint generated always as identity primary key,
    mode        text not null check (mode in ('rolling', 'listed', 'deep')),
    place       text not null,
    after_key   text,
    objects     bigint not null default 0,
    rows        bigint not null default 0,
    requests    bigint not null default 0,
    started_at  timestamptz not null default now(),
    stepped_at  timestamptz not null default now(),
    ended_at    timestamptz
);
comment on table reconcile_pass is 'Passes that compare the ledger, the tables and the object store; an unfinished one is continued.';
comment on column reconcile_pass.id is 'Number of the pass.';
comment on column reconcile_pass.mode is 'rolling: slowly, by sweep; listed: by dcm2set reconcile; deep: the same with --deep.';
comment on column reconcile_pass.place is 'The bucket or the table that is compared now.';
comment on column reconcile_pass.after_key is 'The last key that was compared there; null: none. In raw it contains a NAS path.';
comment on column reconcile_pass.objects is 'Number of objects that were compared.';
comment on column reconcile_pass.rows is 'Number of rows that were compared.';
comment on column reconcile_pass.requests is 'Number of requests to the object store.';
comment on column reconcile_pass.started_at is 'When the pass began.';
comment on column reconcile_pass.stepped_at is 'When its last step began.';
comment on column reconcile_pass.ended_at is 'When it ended; null: it is unfinished.';
create unique index reconcile_pass_unfinished on reconcile_pass (mode) where ended_at is null;

create table reconcile_finding (
    id               bigint generated always as identity primary key,
    kind             text not null check (kind in ('missing', 'surplus', 'changed', 'damaged', 'hidden', 'row')),
    what             text not null,
    bucket           text not null,
    key              text not null,
    sop_instance_uid text,
    frame            int,
    item_id          bigint,
    file_id          bigint,
    detail           text,
    is_deep          boolean not null default false,
    first_seen_at    timestamptz not null default now(),
    looked_at        timestamptz not null default now(),
    confirmed_at     timestamptz,
    forgotten_by     text,
    forgotten_why    text,
    forgotten_at     timestamptz,
    unique (kind, what, bucket, key)
);
comment on table reconcile_finding is 'Differences between the ledger, the tables and the object store; a finding once they were seen twice.';
comment on column reconcile_finding.id is 'Number of the finding.';
comment on column reconcile_finding.kind is 'missing, surplus, changed, damaged or hidden object; row: a row is missing.';
comment on column reconcile_finding.what is 'What the object or the missing row is.';
comment on column reconcile_finding.bucket is 'Bucket of the object; of a row the table from which it was missed.';
comment on column reconcile_finding.key is 'Key of the object, in raw it contains a NAS path; of a row its key.';
comment on column reconcile_finding.sop_instance_uid is 'Pseudonymous SOP Instance UID, if known.';
comment on column reconcile_finding.frame is 'Frame number of an image, from 1.';
comment on column reconcile_finding.item_id is 'The item that can be replayed, or whose object it is.';
comment on column reconcile_finding.file_id is 'The file of source_file.';
comment on column reconcile_finding.detail is 'What differs.';
comment on column reconcile_finding.is_deep is 'Whether only reading the object shows it.';
comment on column reconcile_finding.first_seen_at is 'When the difference was first seen.';
comment on column reconcile_finding.looked_at is 'When it was last looked at.';
comment on column reconcile_finding.confirmed_at is 'When a second look confirmed it; null: it was seen once, and work may explain it.';
comment on column reconcile_finding.forgotten_by is 'Who accepted that it stays so; null: nobody.';
comment on column reconcile_finding.forgotten_why is 'Why, in their words.';
comment on column reconcile_finding.forgotten_at is 'When.';
create index reconcile_finding_looked on reconcile_finding (looked_at) where forgotten_at is null;

-- == The balance =====================================================================

-- count_settled() adds settled rows to a few totals and marks them. The balance is these totals plus the rows
-- without a mark. If a marked row changes, a trigger subtracts it from the totals in the same transaction, so the
-- totals and the rows agree in every snapshot. Only rows that need no person's decision are added.

create table settled_total (
    subject  text not null,
    category text not null,
    number   bigint not null,
    newest   timestamptz
);
comment on table settled_total is 'Partial sums over marked rows. Rows are only inserted, so that no transaction waits for another.';
comment on column settled_total.subject is 'file, image, or a function of the ledger.';
comment on column settled_total.category is 'As in the balance; done for a function.';
comment on column settled_total.number is 'Number to add; negative after a change.';
comment on column settled_total.newest is 'Latest first_seen_at of the items of a function, or of files put into raw directly.';

-- Subtracts a counted item from the totals when it changes.
create function item_uncount() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.counted_as is not null and (new.state, new.outcome, new.function, new.bucket,
            new.key, new.etag, new.sop_instance_uid) is not distinct from (old.state, old.outcome, old.function,
            old.bucket, old.key, old.etag, old.sop_instance_uid) then
        return new;
    end if;
    insert into settled_total values (old.function, 'done', -1);
    if old.counted_as <> 'done' then
        insert into settled_total values ('file', old.counted_as, -1);
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    new.counted_as := null;
    return new;
end $$;
create trigger item_uncount before update or delete on ledger_item
    for each row when (old.counted_as is not null) execute function item_uncount();

-- Subtracts a counted file from the totals when it changes.
create function file_uncount() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.counted_as is not null and (new.state, new.raw_key, new.etag)
            is not distinct from (old.state, old.raw_key, old.etag) then
        return new;
    end if;
    insert into settled_total values ('file', old.counted_as, -1);
    if tg_op = 'DELETE' then
        return old;
    end if;
    new.counted_as := null;
    return new;
end $$;
create trigger file_uncount before update or delete on source_file
    for each row when (old.counted_as is not null) execute function file_uncount();

-- A file of the NAS is counted by the state of its item, so it is subtracted when that state changes: also if the
-- item itself is not counted yet, because count_settled() adds files before items and only so many at a time.
create function item_uncounted() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update source_file set counted_as = null where raw_key = old.key and counted_as is not null;
    return null;
end $$;
create trigger item_uncounted after update on ledger_item for each row
    when (old.function = 'extract' and old.state = 'done' and (
        (old.counted_as = 'done' and new.counted_as is null)
        or (old.state, old.outcome, old.bucket, old.key, old.etag, old.sop_instance_uid)
            is distinct from (new.state, new.outcome, new.bucket, new.key, new.etag, new.sop_instance_uid)))
    execute function item_uncounted();
create trigger item_deleted after delete on ledger_item for each row
    when (old.function = 'extract' and old.state = 'done') execute function item_uncounted();

-- The same in the other direction; also for a key that a file of the NAS gets now, which another file may have.
create function file_uncounted() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update ledger_item set counted_as = null
    where function = 'extract' and bucket = 'raw' and counted_as is not null
        and key in (old.raw_key, case when tg_op = 'UPDATE' then new.raw_key end);
    return null;
end $$;
create trigger file_uncounted after update on source_file for each row
    when (old.raw_key is distinct from new.raw_key or (old.counted_as is not null and new.counted_as is null))
    execute function file_uncounted();
create trigger file_deleted after delete on source_file for each row
    when (old.counted_as is not null) execute function file_uncounted();

-- Subtracts the counted images of an instance from the totals when it changes.
create function extraction_uncount() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.counted_images is not null and (new.sop_instance_uid, new.number_of_frames,
            new.completed_at is null) is not distinct from (old.sop_instance_uid, old.number_of_frames,
            old.completed_at is null) then
        return new;
    end if;
    insert into settled_total values ('image', 'frames', -old.number_of_frames),
        ('image', 'good', -old.counted_images[1]), ('image', 'black', -old.counted_images[2]),
        ('image', 'low_quality', -old.counted_images[3]);
    if tg_op = 'DELETE' then
        return old;
    end if;
    new.counted_images := null;
    return new;
end $$;
create trigger extraction_uncount before update or delete on extraction
    for each row when (old.counted_images is not null) execute function extraction_uncount();

-- Subtracts all images of an instance from the totals when one of them is moved or its verdict changes.
create function image_uncount() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    -- Lock first: if count_settled() adds the instance at this moment, wait for it and see its result.
    perform from extraction where sop_instance_uid = old.sop_instance_uid for no key update;
    update extraction set counted_images = null
    where sop_instance_uid = old.sop_instance_uid and counted_images is not null;
    return null;
end $$;
create trigger image_moved after update on image_allocation for each row
    when ((old.bucket, old.allocated_bucket, old.key) is distinct from (new.bucket, new.allocated_bucket, new.key))
    execute function image_uncount();
create trigger image_deleted after delete on image_allocation for each row execute function image_uncount();
create trigger verdict_changed after update on verdict for each row
    when (old.verdict is distinct from new.verdict) execute function image_uncount();
create trigger verdict_deleted after delete on verdict for each row execute function image_uncount();

-- == Vacuum ==========================================================================

-- Autovacuum runs by the number of changes, not by the size of the table: each item leaves a few dead rows, and
-- frequent queries should never read hundreds of thousands of them.
alter table ledger_item set (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01);
alter table source_file set (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01);
alter table extraction set (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01);
alter table image_allocation set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01);
alter table settled_total set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
