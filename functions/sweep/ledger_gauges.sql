-- The ledger as gauges, by name. Views, for sweep may not read the names from the NAS.

-- name: functions
select function, waiting, running, retry, held, quarantined, done, oldest_seconds from ledger_state;

-- name: balance
select * from balance;
