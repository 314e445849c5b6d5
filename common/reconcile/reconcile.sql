-- Queries that compare the ledger, the tables and the object store.

-- name: expected
select * from reconcile_expected(%(bucket)s, %(from_key)s, %(to_key)s, %(most)s);

-- name: known
select reconcile_known(%(bucket)s, %(keys)s) as key;

-- name: activity
select is_busy, active_at from reconcile_activity(%(bucket)s, %(keys)s, %(uid)s, %(item)s);

-- name: rows
select * from reconcile_rows(%(place)s, %(after)s, %(only)s, %(most)s);

-- name: next_bucket
select reconcile_next_bucket(%(after)s) as bucket;

-- name: unfinished
select id, place, after_key from reconcile_pass where mode = %(mode)s and ended_at is null;

-- name: begin
insert into reconcile_pass (mode, place) values (%(mode)s, %(place)s)
on conflict (mode) where ended_at is null do nothing;

-- name: take_turn
-- Of several sweeps, one makes the step. Its turn comes after `pause`; a new pass begins after `rest`.
update reconcile_pass set stepped_at = now()
where mode = 'rolling' and ended_at is null
    and (stepped_at < now() - make_interval(secs => %(pause)s) or stepped_at > now() + interval '1 hour')
returning id, place, after_key;

-- name: begin_rolling
insert into reconcile_pass (mode, place, stepped_at)
select 'rolling', %(place)s, now() - make_interval(secs => 1 + %(pause)s)
where not exists (
    select from reconcile_pass
    where mode = 'rolling' and (ended_at is null or ended_at > now() - make_interval(secs => %(rest)s)))
on conflict (mode) where ended_at is null do nothing;

-- name: advance
update reconcile_pass
set place = %(place)s, after_key = %(after)s, objects = objects + %(objects)s, rows = rows + %(rows)s,
    requests = requests + %(requests)s
where id = %(id)s;

-- name: end
update reconcile_pass set ended_at = now(), after_key = null where id = %(id)s;

-- name: delete_old_passes
delete from reconcile_pass p
where ended_at is not null
    and exists (select from reconcile_pass n where n.mode = p.mode and n.ended_at is not null and n.id > p.id);

-- name: note
-- A difference that is known stays as it is: only a second look changes it.
insert into reconcile_finding (kind, what, bucket, key, sop_instance_uid, frame, item_id, file_id, detail, is_deep)
values (%(kind)s, %(what)s, %(bucket)s, %(key)s, %(sop_instance_uid)s, %(frame)s, %(item_id)s, %(file_id)s,
    %(detail)s, %(is_deep)s)
on conflict (kind, what, bucket, key) do nothing;

-- name: to_look_at
-- Seen once, long enough ago; or confirmed, to see whether it was mended.
select * from reconcile_finding
where forgotten_at is null and (
    (confirmed_at is null and looked_at < now() - make_interval(secs => %(pause)s))
    or (confirmed_at is not null and looked_at < now() - make_interval(secs => %(again)s)))
order by looked_at limit %(most)s;

-- name: delete_same
-- The same difference noted twice, because an object that was changed is missing now, for example.
delete from reconcile_finding
where id <> %(id)s and (kind, what, bucket, key) = (%(kind)s, %(what)s, %(bucket)s, %(key)s) and forgotten_at is null;

-- name: looked_at
update reconcile_finding
set looked_at = now(), confirmed_at = case when %(confirmed)s then coalesce(confirmed_at, now()) end, kind = %(kind)s,
    what = %(what)s, detail = %(detail)s, item_id = coalesce(%(item_id)s, item_id)
where id = %(id)s and not exists (
    select from reconcile_finding f
    where f.id <> %(id)s and (f.kind, f.what, f.bucket, f.key) = (%(kind)s, %(what)s, %(bucket)s, %(key)s));

-- name: delete_finding
delete from reconcile_finding where id = %(id)s;

-- name: findings
select f.* from reconcile_finding f where forgotten_at is null and (confirmed_at is not null) = %(confirmed)s order by id;

-- name: pass
select mode, started_at, ended_at, objects, rows, requests from reconcile_pass where id = %(id)s;
