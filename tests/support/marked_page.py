"""The page on rows with markup in every text, and a patient's name where only raw has it."""

from common.store.object_key import Location
from tests.support.page_bench import PageBench
from tests.support.real_files import real_file

XSS = "<script>alert(1)</script>"
MARKER = "Doe^Jane"  # in keys of raw, in folder names and paths of the NAS
HEADERS = {
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Cache-Control",
}
ITEM = """insert into ledger_item (function, bucket, key, etag, state, cause, device, settled_at)
    values ('extract', 'raw', %(key)s, 'e', 'held', %(cause)s, %(device)s, now())"""


def mark(bench: PageBench) -> PageBench:
    """Rows with a script in every text that the page shows, and a patient's name where nobody may show it."""
    bench.store.ensure_bucket("raw")
    bench.database.run("insert into source_folder (name) values (%(name)s)", name=f"{MARKER} {XSS}")
    for number in (1, 2):
        key = f"nas/{MARKER}/{number}.dcm"
        bench.store.put(Location("raw", key), real_file("CT_small.dcm"), content_type="application/dicom")
        bench.database.run(ITEM, key=key, cause=f"{XSS} cause", device=f'">{XSS} device')
        bench.database.run(
            "insert into source_file (folder_id, path, size, modified_at, state, raw_key) "
            "values (1, %(path)s, 1, now(), 'copied', %(key)s)",
            path=f"{MARKER}{number}.dcm",
            key=key,
        )
    bench.database.run(
        "insert into audit_event (who, via, action, item_id, why) "
        "values (%(who)s, 'page', 'decide refuse', 1, %(why)s)",
        who=f"{XSS} name",
        why=f'"{XSS} why',
    )
    return bench
