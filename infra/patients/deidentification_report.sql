-- Queries of the report by NAS folder. Folder null: files that were put into raw without the NAS.

-- name: files
select folder_id, became, case when became <> 'extracted' then cause end as cause, count(*) as files
from (
    select folder_id, cause,
        case when source_state = 'skipped' then 'skipped'
             when ledger_id is null or state in ('running', 'retry') then 'waiting'
             when state = 'done' then outcome
             else state end as became
    from ledger_file
) file
where %(folder)s::bigint is null or folder_id = %(folder)s
group by 1, 2, 3 order by folder_id nulls last, became, files desc, cause;

-- name: profiles
select f.folder_id, i.deidentification as profile, i.key_id, count(*) as files
from ledger_file f join instance i using (sop_instance_uid)
where %(folder)s::bigint is null or folder_id = %(folder)s
group by 1, 2, 3 order by 1 nulls last, 2, 3;

-- name: actions
select folder_id, action, keyword, sum(files * number::bigint)::bigint as elements
from (
    select f.folder_id, i.actions as digest, count(*) as files
    from ledger_file f join instance i using (sop_instance_uid)
    where %(folder)s::bigint is null or folder_id = %(folder)s
    group by 1, 2
) done
join attribute_actions a using (digest)
cross join lateral jsonb_each(a.actions) as by_action (action, keywords)
cross join lateral jsonb_each_text(keywords) as by_keyword (keyword, number)
group by 1, 2, 3 order by 1 nulls last, 2, 3;

-- name: blanked
-- Images with blanked pixels, by the method that chose the pixels.
select f.folder_id, 'blanked ' || split_part(im.recipe, '; blanked ', 2) as how, count(*) as images
from ledger_file f join image im using (sop_instance_uid)
where (%(folder)s::bigint is null or folder_id = %(folder)s) and im.recipe like '%%; blanked %%'
group by 1, 2 order by 1 nulls last, 2;

-- name: released
select s.folder_id, l.released_by, l.released_why as why, l.released_at, count(*) as files
from ledger_item l
left join source_file s on l.bucket = 'raw' and l.key = s.raw_key and (l.etag = s.etag or s.etag is null)
where l.function = 'extract' and l.released_at is not null
    and (%(folder)s::bigint is null or s.folder_id = %(folder)s)
group by 1, 2, 3, 4 order by 1 nulls last, 4;
