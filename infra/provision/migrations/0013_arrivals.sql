-- Files found on the NAS by hour, so that the overview of the page need not count rows.

create table arrival_hour (
    hour  timestamptz primary key,
    files bigint not null
);
comment on table arrival_hour is 'Number of files that were found on the NAS, by hour; of the last eight days.';
comment on column arrival_hour.hour is 'Begin of the hour.';
comment on column arrival_hour.files is 'Files found in it, also those that were erased later.';
insert into arrival_hour (hour, files)
select date_trunc('hour', found_at), count(*) from source_file where found_at > now() - interval '8 days' group by 1;

create function file_arrived() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into arrival_hour as known (hour, files)
    select date_trunc('hour', found_at), count(*) from arrived group by 1
    on conflict (hour) do update set files = known.files + excluded.files;
    delete from arrival_hour where hour < now() - interval '8 days';
    return null;
end $$;
comment on function file_arrived is 'Counts new files of the NAS by hour.';
create trigger file_arrived after insert on source_file referencing new table as arrived
    for each statement execute function file_arrived();

-- The newest buckets, also if there are thousands.
create index image_bucket_newest on image_bucket (created_at, bucket);
