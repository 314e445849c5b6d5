-- Whoever announces an object that was set aside before has put it into its old place once more (a copy that
-- was made, taken on by its event and set aside before it was recorded, for one): it is to leave again.

create function item_put_again() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update ledger_item set leaves = true
    where function = new.function and bucket = new.bucket and key = new.key and etag = new.etag
        and state in ('done', 'held', 'quarantined') and (moved_to_bucket is not null or outcome = 'erased');
    return new;
end $$;
-- Not for claims, which may change the row themselves.
create trigger item_put_again before insert on ledger_item for each row when (new.attempts = 0) execute function item_put_again();
