-- Query for the sums of verdicts by week.

-- name: count
select count_quality_weeks(%(seconds)s) as is_counted;
