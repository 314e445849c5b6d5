-- A view whose columns change can't be replaced, so all of them are made anew after every migration.
drop view if exists ledger_state, balance, balance_recount, image_state, file_state, ledger_file, image_overview, current_label,
    latest_label, label_statement, training_image;
