-- The audit by time, user and action; and the decisions from before there was an audit.

create index audit_event_at on audit_event (at, id);
create index audit_event_who_at on audit_event (who, at, id);
create index audit_event_action_at on audit_event (action, at, id);

-- The rows of a decision and of its event have the same time, because one transaction wrote both.
insert into audit_event (at, who, via, action, item_id, sop_instance_uid, frame, why, details)
select at, who, 'shell', action, item_id, sop_instance_uid, frame, why, details from (
    select decided_at as at, decided_by as who, case decision when 'refused' then 'refuse' else 'undo refusal' end as action,
        item_id, null as sop_instance_uid, null::int as frame, why, null::jsonb as details
    from refusal
    union all
    select decided_at, decided_by, 'overrule', null, sop_instance_uid, frame, why, jsonb_build_object('verdict', verdict)
    from overruling
    union all
    select decided_at, decided_by, 'resolve', item_id, null, null, why,
        jsonb_build_object('item', item_id, 'kept', kept, 'others', others)
    from resolution
    union all
    select released_at, released_by, 'release', id, null, null, released_why,
        case when blank is not null then jsonb_build_object('blank', blank) end
    from ledger_item where released_at is not null and released_by is not null
    union all
    select erased_at, erased_by, 'erase', null, null, null, why, null
    from erased_patient
) earlier
where not exists (select from audit_event a where a.at = earlier.at and a.who = earlier.who and a.action = earlier.action)
order by at;
