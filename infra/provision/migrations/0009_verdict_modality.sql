-- The page for reviewers lists images of a modality and verdict by how near their scores are to the threshold.
-- This file, and the two that follow, are transactions of their own, so that images are judged meanwhile.

alter table verdict add column modality text not null default '';
comment on column verdict.modality is '(0008,0060) Modality, as in extraction; empty if unknown. It is here as well for an index.';
create function verdict_modality() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    new.modality := coalesce((select modality from extraction where sop_instance_uid = new.sop_instance_uid), '');
    return new;
end $$;
comment on function verdict_modality is 'Sets the modality of a new verdict.';
create trigger verdict_modality before insert on verdict for each row execute function verdict_modality();
