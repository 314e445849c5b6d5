-- The readings of several annotators. `images` limits the queries to images by number; null: all images.

-- name: patterns
-- The votes of several annotators on one image, and the number of images with the same votes.
with vote as (
    select image_id, label_id, annotator_id,
        case when value < 0 then -1 when value >= 0.5 then 1 else 0 end as vote
    from latest_label
    where %(images)s::bigint[] is null or image_id in (select unnest(%(images)s::bigint[]))
), pattern as (
    select label_id, image_id, array_agg(annotator_id order by annotator_id) as annotators,
        array_agg(vote order by annotator_id) as votes
    from vote group by label_id, image_id having count(*) > 1
)
select label_id, annotators, votes, count(*)::int as images from pattern
group by label_id, annotators, votes order by label_id, annotators, votes;

-- name: differing
-- Images on which annotators differ, with everyone's value: the first `most` of each label.
with reading as (
    select image_id, label_id, annotator_id, value,
        case when value < 0 then -1 when value >= 0.5 then 1 else 0 end as vote
    from latest_label
    where %(images)s::bigint[] is null or image_id in (select unnest(%(images)s::bigint[]))
), differing as (
    select label_id, image_id, array_agg(annotator_id order by annotator_id) as annotators,
        array_agg(value order by annotator_id) as values
    from reading group by label_id, image_id having min(vote) <> max(vote)
)
select label_id, key, annotators, values from (
    select d.label_id, a.key, d.annotators, d.values,
        row_number() over (partition by d.label_id order by a.key collate "C") as place
    from differing d join image_allocation a using (image_id)
) listed
where place <= %(most)s order by label_id, place;

-- name: annotators
-- Everyone who gave a label to any image.
select label_id, array_agg(distinct annotator_id) as annotators
from label_statement
where value is not null
    and (%(images)s::bigint[] is null or image_id in (select unnest(%(images)s::bigint[])))
group by label_id order by label_id;
