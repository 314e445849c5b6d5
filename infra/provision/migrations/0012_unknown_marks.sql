-- How many folders of the NAS bear the mark although no row knows them, so that nobody takes them for copied.

create table nas_root (
    one           boolean primary key default true check (one),
    unknown_marks int not null,
    changed_at    timestamptz not null default now()
);
comment on table nas_root is 'What the newest poll saw in the root of the NAS; one row.';
comment on column nas_root.one is 'Always true, so that there is only one row.';
comment on column nas_root.unknown_marks is 'Number of folders with the mark of processed ones that no row of source_folder has.';
comment on column nas_root.changed_at is 'Since when the number is this.';
