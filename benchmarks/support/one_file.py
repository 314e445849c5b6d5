"""One small file through a running home: how long each stage took."""

from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

_SECONDS = 30
_STAGES = """
select e.started_at - put.at as event, e.settled_at - e.started_at as extract,
    m.started_at - x.completed_at as metadata_wait, m.settled_at - m.started_at as store_metadata,
    q.settled_at - q.started_at as quality,
    greatest(m.settled_at, q.settled_at) - put.at as total
from (values (%s::timestamptz)) as put (at), ledger_item e join extraction x on x.item_id = e.id
join ledger_item m on m.function = 'store_metadata' and m.sop_instance_uid = x.sop_instance_uid
join ledger_item q on q.function = 'quality' and q.sop_instance_uid = x.sop_instance_uid
where e.function = 'extract' and e.key = %s
    and e.state = 'done' and m.state = 'done' and q.state = 'done'
"""


def put_file(home: RunningHome, number: int) -> str:
    """Put a file into raw and return its key; the same number gives the same file."""
    key = f"incoming/one file/{number}.dcm"
    home.put(key, make_instance(number))
    return key


def seconds_by_stage(home: RunningHome, number: int) -> dict[str, float]:
    """Put a file, wait for its row and verdict, and return its seconds by the database's clock.

    `total` is from before the PUT until both are there. Raises SystemExit after 30 s without them.
    """
    put = home.rows("select clock_timestamp() as now")[0]["now"]
    key = put_file(home, number)
    found = wait_for(lambda: home.rows(_STAGES, put, key), seconds=_SECONDS)
    if not found:
        raise SystemExit(f"A file was not settled within {_SECONDS} s.")
    return {name: value.total_seconds() for name, value in found[0].items()}
