-- Items are announced by whoever makes their object, and functions take what is due by themselves.

alter table ledger_item add column size bigint;
comment on column ledger_item.size is 'Bytes of the object, if known.';

alter table ledger_item add column leaves boolean not null default false;
comment on column ledger_item.leaves is 'Whether the object is still to be deleted where it was, in a place that nobody lists.';
create index ledger_item_leaving on ledger_item (function) where leaves;

-- Documents lie in metadata without a folder before them now; those of before lay in incoming/.
create or replace function item_source() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.function = 'extract' then
        select 'file-' || id into new.source from source_file where raw_key = new.key order by id desc limit 1;
        new.source := coalesce(new.source, 'item-' || new.id);
    elsif new.function in ('store_metadata', 'quality') then
        -- Keys of what extract makes: <patient>/<study>/<series>/<instance>, then .json or /<frame>.png.
        select l.source into new.source from extraction e join ledger_item l on l.id = e.item_id
        where e.sop_instance_uid = case new.function
            when 'quality' then split_part(new.key, '/', 4)
            else regexp_replace(new.key, '^.*/|\.json$', '', 'g') end;
    else
        new.source := 'item-' || new.id;
    end if;
    return new;
end $$;
