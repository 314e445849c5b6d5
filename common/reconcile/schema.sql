-- Functions that compare the ledger, the tables and the object store. Sweep calls them, so they run with their owner's
-- rights: sweep needs no right on the tables.

-- The objects that must or may lie in a bucket, by the rows, in the order of the bytes of their keys: those from one key
-- to another, both included, at most `most` of each kind. A key may come more than once, from several rows.
create or replace function reconcile_expected(this_bucket text, from_key text, to_key text, most int)
returns table (key text, what text, etag text, size bigint, sha256 text, item_id bigint, sop_instance_uid text, frame int,
    is_required boolean, is_moved boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    -- Images, where they are now. Their version is that of the item of quality.
    (select a.key, 'image', q.etag, q.size, im.sha256, e.item_id, a.sop_instance_uid, a.frame,
        e.completed_at is not null and coalesce(q.state, 'done') = 'done', a.bucket <> a.allocated_bucket
    from image_allocation a join extraction e using (sop_instance_uid)
    left join ledger_item q on q.function = 'quality' and q.bucket = a.allocated_bucket and q.key = a.key
        and position(' until ' in q.etag) = 0
    left join image im on im.sop_instance_uid = a.sop_instance_uid and im.frame = a.frame
    where this_bucket <> 'suboptimal' and a.allocated_bucket = this_bucket and a.bucket = this_bucket
        and a.key collate "C" between from_key and to_key
    order by a.key collate "C" limit most)
    union all
    (select a.key, 'image', q.etag, q.size, im.sha256, e.item_id, a.sop_instance_uid, a.frame,
        e.completed_at is not null and coalesce(q.state, 'done') = 'done', true
    from image_allocation a join extraction e using (sop_instance_uid)
    left join ledger_item q on q.function = 'quality' and q.bucket = a.allocated_bucket and q.key = a.key
        and position(' until ' in q.etag) = 0
    left join image im on im.sop_instance_uid = a.sop_instance_uid and im.frame = a.frame
    where this_bucket = 'suboptimal' and a.bucket = 'suboptimal'
        and a.key collate "C" between from_key and to_key
    order by a.key collate "C" limit most)
    union all
    (select e.deidentified_key, 'deidentified', e.deidentified_etag, e.deidentified_size, null, e.item_id,
        e.sop_instance_uid, null, e.completed_at is not null, false
    from extraction e
    where this_bucket = 'deidentified' and e.deidentified_key is not null
        and e.deidentified_key collate "C" between from_key and to_key
    order by e.deidentified_key collate "C" limit most)
    union all
    -- Settled items: originals, metadata documents and label files, and what is quarantined. The copy of a label file is
    -- other content than the file, and an erasure empties lines of it, so only its presence is compared.
    (select coalesce(l.moved_to_key, l.key),
        case l.function when 'extract' then 'original' when 'store_metadata' then 'metadata'
            when 'quality' then 'image' else 'label_file' end,
        case when l.function <> 'annotations' then l.etag end, case when l.function <> 'annotations' then l.size end,
        (select s.sha256 from source_file s where s.raw_key = l.key and s.etag = l.etag limit 1),
        l.id, l.sop_instance_uid, null, l.state = 'done' or l.moved_to_key is not null, l.moved_to_key is not null
    from ledger_item l
    where coalesce(l.moved_to_bucket, l.bucket) = this_bucket and l.state in ('done', 'held', 'quarantined')
        and (l.function in ('extract', 'store_metadata', 'annotations') or (l.function = 'quality' and l.state = 'quarantined'))
        and l.outcome is distinct from 'erased' and position(' until ' in l.etag) = 0
        and coalesce(l.moved_to_key, l.key) collate "C" between from_key and to_key
    order by coalesce(l.moved_to_key, l.key) collate "C" limit most)
    union all
    -- Originals of refused items; apart from the others, because these have an index of their own.
    (select coalesce(l.moved_to_key, l.key), 'original', l.etag, l.size,
        (select s.sha256 from source_file s where s.raw_key = l.key and s.etag = l.etag limit 1),
        l.id, l.sop_instance_uid, null, l.moved_to_key is not null, l.moved_to_key is not null
    from ledger_item l
    where coalesce(l.moved_to_bucket, l.bucket) = this_bucket and l.state = 'refused'
        and coalesce(l.moved_to_key, l.key) collate "C" between from_key and to_key
    order by coalesce(l.moved_to_key, l.key) collate "C" limit most)
    union all
    (select v.name || '/v' || v.number || '/manifest.json', 'training_set', null, null, null, null, null, null, true, false
    from training_set_version v
    where this_bucket = 'training-sets'
        and (v.name || '/v' || v.number || '/manifest.json') collate "C" between from_key and to_key
    order by (v.name || '/v' || v.number || '/manifest.json') collate "C" limit most)
$$;
comment on function reconcile_expected is 'The objects that must or may lie in a bucket, by the rows; called by sweep and reconcile.';

-- The instance in the key of an object that extract makes: <patient>/<study>/<series>/<instance>, then .dcm, .json or /<frame>.png.
create or replace function reconcile_uid(this_key text) returns text language sql immutable as $$
    select regexp_replace(split_part(this_key, '/', 4), '\.(dcm|json)$', '')
$$;
comment on function reconcile_uid is 'The SOP Instance UID in the key of an object that extract makes.';

-- Those keys of listed objects that no row expects where they are, but that belong to known work all the same.
create or replace function reconcile_known(this_bucket text, these_keys text[]) returns setof text
language sql stable security definer set search_path = public, pg_temp as $$
    select k from unnest(these_keys) as k
    where case
        -- Written before its instance is complete, or left by an attempt that failed: written again by the next one.
        when this_bucket in ('deidentified', 'metadata') then exists (
            select from extraction e where e.sop_instance_uid = reconcile_uid(k)
                and (this_bucket = 'metadata' or e.deidentified_key is null))
            and not (this_bucket = 'metadata' and exists (
                select from ledger_item l where l.function = 'store_metadata' and l.bucket = 'metadata' and l.key = k
                    and l.state in ('held', 'quarantined') and l.moved_to_key is not null))
        when this_bucket = 'annotations' then not (k like 'processed/%' or k like 'held/%') or exists (
            select from ledger_item l
            where coalesce(l.moved_to_bucket, l.bucket) = 'annotations' and l.state in ('done', 'held', 'quarantined')
                and coalesce(l.moved_to_key, l.key) collate "C" = regexp_replace(k, '\.report\.json$', '')
                and (l.function in ('extract', 'store_metadata', 'annotations') or (l.function = 'quality' and l.state = 'quarantined')))
        when this_bucket = 'raw' then k like 'incoming/%' or exists (
            -- A copied file without an item is found by its row.
            select from source_file s where s.raw_key = k)
        when this_bucket in ('training-sets', 'labelling') then true
        else false end
$$;
comment on function reconcile_known is 'Keys of listed objects that belong to known work; called by sweep and reconcile.';

-- Whether anything that concerns an object or instance is in work, due or waits for its deletion, and when something
-- last happened to it.
create or replace function reconcile_activity(this_bucket text, these_keys text[], this_uid text, this_item bigint,
    out is_busy boolean, out active_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
    with uid as (
        select coalesce(this_uid, case when this_bucket not in ('raw', 'quarantine', 'annotations', 'training-sets')
            then reconcile_uid(these_keys[1]) end) as uid
    ), image_of as (
        select a.allocated_bucket, a.key from uid join image_allocation a on a.sop_instance_uid = uid.uid
    ), related as (
        select l.* from ledger_item l where l.id = this_item
        union all
        select l.* from uid join ledger_item l on l.sop_instance_uid = uid.uid
        union all
        select l.* from uid join extraction e on e.sop_instance_uid = uid.uid join ledger_item l on l.id = e.item_id
        union all
        select l.* from image_of a join ledger_item l
            on l.function = 'quality' and l.bucket = a.allocated_bucket and l.key = a.key
        union all
        select l.* from image_of a join ledger_item l
            on l.function = 'store_metadata' and l.bucket = 'metadata'
            and l.key = regexp_replace(a.key, '/[0-9]+\.png$', '.json')
        where a.key like '%/1.png'
        union all
        select l.* from unnest(array['extract', 'store_metadata', 'quality', 'annotations']) as f (name),
            unnest(these_keys) as k (key) join ledger_item l on l.key = k.key
        where l.function = f.name
            and l.bucket = case this_bucket when 'quarantine' then split_part(these_keys[1], '/', 1) else this_bucket end
    )
    select coalesce(bool_or(state in ('running', 'retry') or pending_delete), false)
            or exists (select from source_file s where s.raw_key = any(these_keys) and s.state = 'waiting'),
        greatest(max(greatest(first_seen_at, started_at, settled_at)),
            (select max(s.copied_at) from source_file s where s.raw_key = any(these_keys)),
            (select max(e.allocated_at) from uid join extraction e on e.sop_instance_uid = uid.uid))
    from related
$$;
comment on function reconcile_activity is 'Whether work on an object or instance goes on, and when it last did; called by sweep and reconcile.';

-- Rows that lack others: of the rows after `after`, in the order of a primary key, at most `most`; or of one row. A row
-- without `what` has the last key that was read and, as `frame`, the number of rows.
create or replace function reconcile_rows(place text, after_key text, only_key text, most int)
returns table (what text, row_key text, sop_instance_uid text, frame int, item_id bigint, file_id bigint)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    if place = 'extraction' then
        return query
        with page as (
            select e.* from extraction e
            where case when only_key is null then e.sop_instance_uid > coalesce(after_key, '') else e.sop_instance_uid = only_key end
            order by e.sop_instance_uid limit most
        ), complete as (select * from page where completed_at is not null),
        of_image as (
            select p.sop_instance_uid as uid, p.item_id as extract_item, a.frame as n, a.allocated_bucket, a.key, q.id as quality_item, q.state as quality_state
            from complete p join image_allocation a using (sop_instance_uid)
            left join lateral (
                select l.id, l.state from ledger_item l
                where l.function = 'quality' and l.bucket = a.allocated_bucket and l.key = a.key
                order by position(' until ' in l.etag) > 0, l.id desc limit 1) as q on true
        ), of_document as (
            select f.uid, f.extract_item, m.id as document_item, m.state as document_state
            from of_image f left join lateral (
                select l.id, l.state from ledger_item l
                where l.function = 'store_metadata' and l.bucket = 'metadata'
                    and l.key = regexp_replace(f.key, '/[0-9]+\.png$', '.json')
                order by position(' until ' in l.etag) > 0, l.id desc limit 1) as m on true
            where f.n = 1
        )
        select 'allocation', p.sop_instance_uid, p.sop_instance_uid, null::int, p.item_id, null::bigint from complete p
        where (select count(*) from image_allocation a where a.sop_instance_uid = p.sop_instance_uid) <> p.number_of_frames
        union all
        select 'document item', uid, uid, null, extract_item, null from of_document where document_item is null
        union all
        select 'instance', uid, uid, null, document_item, null from of_document d
        where document_state = 'done' and not exists (select from instance i where i.sop_instance_uid = d.uid)
        union all
        select 'image', uid, uid, f.n, d.document_item, null from of_document d join of_image f using (uid)
        where document_state = 'done' and exists (select from instance i where i.sop_instance_uid = uid)
            and not exists (select from image i where i.sop_instance_uid = uid and i.frame = f.n)
        union all
        select 'image item', uid, uid, f.n, f.extract_item, null from of_image f where quality_item is null
        union all
        select 'verdict', uid, uid, f.n, quality_item, null from of_image f
        where quality_state = 'done' and not exists (select from verdict v where v.sop_instance_uid = uid and v.frame = f.n)
        union all
        select null, max(page.sop_instance_uid), null, count(*)::int, null, null from page;
    elsif place = 'item' then
        return query
        with page as (
            select l.* from ledger_item l
            where case when only_key is null then l.id > coalesce(after_key, '0')::bigint else l.id = only_key::bigint end
            order by l.id limit most
        )
        select 'extraction', p.id::text, p.sop_instance_uid, null::int, p.id, null::bigint from page p
        where p.function = 'extract' and p.state = 'done' and p.outcome in ('extracted', 'duplicate') and not exists (
            select from extraction e where e.sop_instance_uid = p.sop_instance_uid and e.completed_at is not null)
        union all
        select 'import', p.id::text, null, null, p.id, null from page p
        where p.function = 'annotations' and p.outcome = 'imported' and not exists (
            select from label_import i where i.key = p.key and i.etag = p.etag) and position(' until ' in p.etag) = 0
        union all
        select null, max(p.id)::text, null, count(*)::int, null, null from page p;
    elsif place = 'file' then
        return query
        with page as (
            select s.* from source_file s
            where case when only_key is null then s.id > coalesce(after_key, '0')::bigint else s.id = only_key::bigint end
            order by s.id limit most
        )
        select 'file item', p.id::text, null::text, null::int, null::bigint, p.id from page p
        where p.state = 'copied' and p.raw_key is not null and p.etag is not null and not exists (
            select from ledger_item l where l.function = 'extract' and l.bucket = 'raw' and l.key = p.raw_key)
        union all
        select null, max(p.id)::text, null, count(*)::int, null, null from page p;
    elsif place = 'instance' then
        return query
        with page as (
            select i.* from instance i
            where case when only_key is null then i.sop_instance_uid > coalesce(after_key, '') else i.sop_instance_uid = only_key end
            order by i.sop_instance_uid limit most
        )
        select 'instance without extraction', p.sop_instance_uid, p.sop_instance_uid, null::int, null::bigint, null::bigint
        from page p where not exists (select from extraction e where e.sop_instance_uid = p.sop_instance_uid)
            and not exists (select from ledger_item l where l.function = 'extract' and l.sop_instance_uid = p.sop_instance_uid)
        union all
        select null, max(p.sop_instance_uid), null, count(*)::int, null, null from page p;
    end if;
end $$;
comment on function reconcile_rows is 'Rows that lack other rows; called by sweep and reconcile.';

-- The image bucket after one, in the order in which they are compared; null after the last one.
create or replace function reconcile_next_bucket(after_bucket text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select bucket from image_bucket where bucket collate "C" > coalesce(after_bucket, '') order by bucket collate "C" limit 1
$$;
comment on function reconcile_next_bucket is 'The next image bucket; called by sweep and reconcile.';
