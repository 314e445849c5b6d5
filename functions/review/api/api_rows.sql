-- Queries of the JSON API. They return no path and no key of raw.

-- name: held
select l.id, l.cause, l.device, (select max(s.folder_id) from source_file s where l.bucket = 'raw' and s.raw_key = l.key)
        as folder, l.settled_at as since
from ledger_item l
where l.function = 'extract' and l.state = 'held' and l.id > %(after)s
    and not exists (select from pending_decision p where p.item_id = l.id)
order by l.id limit %(most)s;

-- name: quarantine
-- The few quarantined rows first, so that no plan walks over all items.
with aside as materialized (select id from ledger_item where state = 'quarantined' and id > %(after)s)
select l.id, l.function, l.cause, l.next_step, l.attempts,
    (select max(s.folder_id) from source_file s where l.bucket = 'raw' and s.raw_key = l.key) as folder,
    l.settled_at as since
from (select id from aside order by id limit %(most)s) chosen join ledger_item l using (id) order by l.id;

-- name: quality
-- Verdicts of the models by week and modality, of the last year.
select week, modality, sum(good)::bigint as good, sum(review)::bigint as review, sum(black)::bigint as black,
    sum(low_quality)::bigint as low_quality, sum(good + review + black + low_quality)::bigint as images
from quality_week where week > current_date - 371 group by week, modality order by week, modality;

-- name: item
select id, function, state, outcome, cause, next_step, attempts, device, source, sop_instance_uid, releases,
    text_finding, jsonb_array_length(text_boxes) as text_places, first_seen_at, started_at, settled_at
from ledger_item where id = %(id)s;

-- name: attempts
select attempt, state, outcome, cause, started_at, ended_at from ledger_attempt
where item_id = %(id)s order by attempt limit 100;
