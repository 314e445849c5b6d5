-- The current labels of images.

-- Applies the labels of instances, series and studies to each of their images.
create view label_statement as
select image_id, label_id, annotator_id, value, labelled_at, import_id, line, id, 0 as breadth from label
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 1
from group_label g join image_allocation a on g.level = 'instance' and a.sop_instance_uid = g.uid
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 2
from group_label g join image_allocation a on g.level = 'series' and split_part(a.key, '/', 3) = g.uid
union all
select a.image_id, g.label_id, g.annotator_id, g.value, g.labelled_at, g.import_id, g.line, g.id, 3
from group_label g join image_allocation a on g.level = 'study' and split_part(a.key, '/', 2) = g.uid;
comment on view label_statement is 'Every label of every image, including those of its instance, series and study; breadth 0 is the image itself.';

-- An annotator may change a label, so only the newest counts; at the same time, the more specific one.
-- A label without a value was withdrawn.
create view latest_label as
select image_id, label_id, annotator_id, value, labelled_at, import_id, line from (
    select distinct on (image_id, label_id, annotator_id)
        image_id, label_id, annotator_id, value, labelled_at, import_id, line
    from label_statement
    order by image_id, label_id, annotator_id, labelled_at desc, import_id desc, breadth, id desc
) newest
where value is not null;
comment on view latest_label is 'The newest value of each label of each image by each annotator.';

-- Combines the labels of all annotators into one value for each label and image. Votes: 1 from 0.5 on, -1
-- uncertain, otherwise 0. A function, since training sets may use another rule than the settings.
create or replace function current_labels(rule text, uncertain text)
returns table (image_id bigint, label_id int, value real, annotators int)
language sql stable as $$
    with counted as (
        select s.image_id, s.label_id, count(*)::int as annotators,
            count(*) filter (where s.value >= 0.5) as yes,
            count(*) filter (where s.value >= 0 and s.value < 0.5) as no,
            count(*) filter (where s.value < 0) as unsure,
            case when current_labels.rule = 'last'
                then (array_agg(s.value order by s.labelled_at desc, s.import_id desc, s.line desc))[1] end as newest
        from latest_label s group by s.image_id, s.label_id
    ), ruled as (
        select c.image_id, c.label_id, c.annotators,
            case current_labels.rule
                when 'last' then c.newest
                when 'majority' then case
                    when c.yes > greatest(c.no, c.unsure) then 1
                    when c.no > greatest(c.yes, c.unsure) then 0 else -1 end
                when 'any' then case when c.yes > 0 then 1 when c.unsure > 0 then -1 else 0 end
                when 'all' then case when c.no > 0 then 0 when c.unsure > 0 then -1 else 1 end
            end::real as value
        from counted c
    )
    select r.image_id, r.label_id,
        case when r.value = -1 and current_labels.uncertain in ('0', '1') then current_labels.uncertain::real
            else r.value end,
        r.annotators
    from ruled r
    where r.value >= 0 or current_labels.uncertain <> 'missing'
$$;
comment on function current_labels is 'The current labels of each image by a rule (last, majority, any, all); uncertain: keep, 0, 1, missing.';

-- The labels for people and other programs, by the rule in the settings.
create view current_label as
select now.image_id, a.sop_instance_uid, a.frame, n.name as label, now.value, now.annotators
from label_rule r
cross join lateral current_labels(r.rule, r.uncertain) now
join image_allocation a on a.image_id = now.image_id
join label_name n on n.id = now.label_id;
comment on view current_label is 'The current labels of each image, by the rule in the settings.';
