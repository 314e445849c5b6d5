-- A file of the NAS whose object was in raw before it was found: its item was added to the sums as a file of its own.

-- Items in any state are written, so that none of them is settled and added before the new row can be seen.
create function file_found() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update ledger_item set counted_as = null where function = 'extract' and bucket = 'raw' and key = new.raw_key;
    return null;
end $$;
comment on function file_found is 'Subtracts items from the totals whose key a new file of the NAS has; see settled_total.';
create trigger file_found after insert on source_file for each row when (new.raw_key is not null)
    execute function file_found();
