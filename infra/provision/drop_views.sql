-- A view can't be replaced if its columns change, so all views are dropped and recreated after every migration.
drop view if exists ledger_state, balance, balance_recount, image_state, file_state, ledger_file, image_overview, current_label,
    latest_label, label_statement, training_image;
