-- The state refused: a person decided that a held file stays out.

-- Rows of before satisfy the wider check, so they are not read again: that would hold the lock of the table for too long.
alter table ledger_item
    drop constraint ledger_item_state_check,
    add constraint ledger_item_state_check
        check (state in ('running', 'done', 'retry', 'held', 'refused', 'quarantined')) not valid;
comment on column ledger_item.state is 'running: leased; done, held, refused, quarantined: settled; retry: due again at due_at.';

-- Where the originals of refused items are, as ledger_item_location says of the others; for reconcile.
create index ledger_item_refused on ledger_item (coalesce(moved_to_bucket, bucket), coalesce(moved_to_key, key) collate "C")
    where state = 'refused';

create table refusal (
    id         bigint generated always as identity primary key,
    item_id    bigint not null references ledger_item on delete cascade,
    decision   text not null check (decision in ('refused', 'undone')),
    why        text not null,
    decided_by text not null,
    decided_at timestamptz not null default now()
);
comment on table refusal is 'Decisions of persons that a held file stays out, and that such a decision is undone; nothing is overwritten.';
comment on column refusal.id is 'Number of the decision.';
comment on column refusal.item_id is 'The item.';
comment on column refusal.decision is 'refused: the file stays out; undone: it is held again.';
comment on column refusal.why is 'Why, in the words of the person who decided.';
comment on column refusal.decided_by is 'Who decided.';
comment on column refusal.decided_at is 'When it was decided.';
create index refusal_item on refusal (item_id);

-- As before, and for refused items: their object is deleted from where it arrives again.
create or replace function item_put_again() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update ledger_item set pending_delete = true
    where function = new.function and bucket = new.bucket and key = new.key and etag = new.etag
        and state in ('done', 'held', 'refused', 'quarantined') and (moved_to_bucket is not null or outcome = 'erased');
    return new;
end $$;
