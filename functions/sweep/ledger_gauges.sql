-- Queries for the gauges of the ledger. They read views, because sweep may not read names of the NAS.

-- name: functions
select function, waiting, running, retry, held, refused, quarantined, done, oldest_seconds from ledger_state;

-- name: balance
select * from balance;

-- name: quality
-- The verdicts of the models in the newest week, by modality.
select modality, sum(good) as good, sum(review) as review, sum(black) as black, sum(low_quality) as low_quality
from quality_week where week = (select max(week) from quality_week) group by modality;
