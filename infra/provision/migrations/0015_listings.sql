-- The pages that list what the numbers of the overview count, in the order of their numbers.

-- By the negative number, the newest first: the planner would take the primary key for the order of the number itself, and
-- read the items of all functions.
create index ledger_item_done on ledger_item (function, (-id)) where state = 'done';
create index ledger_item_done_cause on ledger_item (function, cause, (-id)) where state = 'done' and cause is not null;
create index ledger_item_set_aside on ledger_item (function, state, (-id))
    where state in ('held', 'refused', 'quarantined');
drop index ledger_item_aside;
-- Files without a row of the NAS that settled_total includes, and files of the NAS that became no image.
create index ledger_item_direct on ledger_item (counted_as, id) where counted_as <> 'done';
create index source_file_left_out on source_file (counted_as, id) where counted_as in ('skipped', 'erased');
create index source_file_found on source_file (found_at);
