-- Queries for the gauges of the ledger. They read views, because sweep may not read names of the NAS.

-- name: functions
select function, waiting, running, retry, held, quarantined, done, oldest_seconds from ledger_state;

-- name: balance
select * from balance;
