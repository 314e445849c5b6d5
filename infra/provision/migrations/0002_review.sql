-- The verdict review: an image that waits for a person, in its own bucket.

-- Rows of before satisfy the narrower checks, so they are not read again: a check of all rows would hold the lock of
-- the table for too long.
alter table verdict
    drop constraint verdict_verdict_check,
    drop constraint verdict_by_model_check,
    add constraint verdict_verdict_check check (verdict in ('good', 'review', 'black', 'low_quality')) not valid,
    add constraint verdict_by_model_check check (by_model in ('good', 'review', 'black', 'low_quality')) not valid,
    add column review_from double precision;
comment on column verdict.verdict is 'The verdict in force, good, review, black or low_quality: a person''s overruling, otherwise that of the model.';
comment on column verdict.review_from is 'Score from which a person must review the image; null: judged by a version that rejected from the threshold and reviewed nothing.';
create index verdict_review on verdict (sop_instance_uid, frame) where verdict = 'review';

comment on column ledger_item.outcome is 'How a done item ended: extracted, duplicate, skipped, withdrawn, erased, stored, good, review, black, low_quality, imported.';
comment on column extraction.counted_images is 'Numbers of its good, black, low_quality and review images that settled_total includes; the last is missing if none could be in review yet; null: not included yet.';

-- Subtracts the counted images of an instance from the totals when it changes.
create or replace function extraction_uncount() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.counted_images is not null and (new.sop_instance_uid, new.number_of_frames,
            new.completed_at is null) is not distinct from (old.sop_instance_uid, old.number_of_frames,
            old.completed_at is null) then
        return new;
    end if;
    insert into settled_total values ('image', 'frames', -old.number_of_frames),
        ('image', 'good', -old.counted_images[1]), ('image', 'black', -old.counted_images[2]),
        ('image', 'low_quality', -old.counted_images[3]), ('image', 'review', -coalesce(old.counted_images[4], 0));
    if tg_op = 'DELETE' then
        return old;
    end if;
    new.counted_images := null;
    return new;
end $$;
