-- Query of the verdicts of the models by week.

-- name: weeks
select week, modality, sum(good + review + black + low_quality) as images, sum(black + low_quality) as rejected,
    sum(review) as in_review
from quality_week where week > current_date - %(days)s::int group by week, modality order by modality, week;
