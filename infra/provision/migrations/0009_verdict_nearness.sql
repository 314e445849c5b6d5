-- Images of a modality and verdict in the order of the page, and the newest verdicts in theirs.

create index verdict_nearness on verdict (modality, verdict, abs(score - threshold), sop_instance_uid, frame);
-- A BRIN index does not give the order.
drop index verdict_checked;
create index verdict_checked on verdict (checked_at);
