"""Function cards, the policies made from them, and the status as text."""

import fnmatch

import pytest

from common.settings import Settings
from common.store.object_key import FIXED_BUCKETS
from infra.health.status import is_closed, is_waiting
from infra.health.status_text import balance_text, set_aside_text, status_text
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.store.store_setup import notifications_of, policy_of

CARDS = {card.function: card for card in function_cards()}
NAMES = ["annotations", "extract", "poll_nas", "quality", "review", "store_metadata", "sweep"]
PATIENT_LOCATIONS = ("raw/incoming/x", "raw/processed/x", "raw/held/x", "quarantine/raw/incoming/x")
EVERYWHERE = (
    *PATIENT_LOCATIONS, "metadata/incoming/x", "metadata/processed/x", "deidentified/x", "annotations/x",
    "annotations/processed/x", "images-1/x.png", "suboptimal/x.png", "quarantine/metadata/incoming/x",
    "quarantine/images-1/x.png", "quarantine/annotations/x", "other/x",
)  # fmt: skip
ACTIONS = {"s3:GetObject": "read", "s3:PutObject": "write", "s3:DeleteObject": "delete"}


def _allows(card: FunctionCard, action: str, location: str) -> bool:
    """Whether a statement of the policy allows the action on the object, as MinIO decides it."""
    statements = policy_of(card, images_prefix="images-")["Statement"]
    return any(
        "Allow" == statement["Effect"]
        and action in statement["Action"]
        and any(
            fnmatch.fnmatchcase(f"arn:aws:s3:::{location}", resource) for resource in statement["Resource"]
        )
        for statement in statements
    )


def test_every_function_has_a_card() -> None:
    """There are seven functions, each with a main.py and an event or timer."""
    assert NAMES == sorted(CARDS)
    for card in CARDS.values():
        assert card.source.exists()
        assert card.events or card.timer in Settings.model_fields


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("action", ACTIONS)
def test_policy_says_exactly_what_the_card_says(name: str, action: str) -> None:
    """A function's user may read, write and delete where its card says, and nowhere else."""
    card = CARDS[name]
    patterns = card.access.get(ACTIONS[action], ())
    for location in EVERYWHERE:
        expected = any(fnmatch.fnmatchcase(location, pattern) for pattern in patterns)
        assert expected == _allows(card, action, location), location


@pytest.mark.parametrize("name", ["annotations", "quality", "store_metadata", "sweep"])
@pytest.mark.parametrize("action", ACTIONS)
def test_only_three_functions_access_patients_data(name: str, action: str) -> None:
    """extract, poll_nas, and review for held files; no other function touches where patients' data lies."""
    assert [] == [location for location in PATIENT_LOCATIONS if _allows(CARDS[name], action, location)]


def test_policies_have_no_wildcard() -> None:
    """No statement has a wildcard for an action, or for the complete name of a bucket."""
    for card in CARDS.values():
        for statement in policy_of(card, images_prefix="images-")["Statement"]:
            if "Deny" == statement["Effect"]:
                continue
            assert not [action for action in statement["Action"] if "*" in action]
            assert not [arn for arn in statement["Resource"] if arn.startswith("arn:aws:s3:::*")]


def test_only_extract_creates_buckets() -> None:
    """Only extract may create buckets, and only image buckets."""
    creators = [name for name, card in CARDS.items() if _allows(card, "s3:CreateBucket", "images-1")]
    assert ["extract"] == creators
    assert not _allows(CARDS["extract"], "s3:CreateBucket", "raw")


def test_policy_follows_the_prefix_of_image_buckets() -> None:
    """With another prefix, the rights refer to buckets of that prefix, also below quarantine."""
    text = str(policy_of(CARDS["quality"], images_prefix="set-"))
    assert "arn:aws:s3:::set-*/*" in text
    assert "arn:aws:s3:::quarantine/set-*" in text
    assert "images-" not in text


def test_notifications_follow_the_cards() -> None:
    """Each bucket notifies the functions whose cards name it."""
    found = {bucket: notifications_of(bucket) for bucket in (*FIXED_BUCKETS, "images-*")}
    assert {
        "raw": [("extract", "nas/", ""), ("extract", "incoming/", "")],
        "metadata": [("store_metadata", "", ".json")],
        "annotations": [("annotations", "", "")],
        "images-*": [("quality", "", ".png")],
        "deidentified": [],
        "suboptimal": [],
        "quarantine": [],
        "training-sets": [],
        "labelling": [],
    } == {bucket: [(n.target, n.prefix, n.suffix) for n in each] for bucket, each in found.items()}


_FILES = "found skipped waiting erased held refused quarantined extracted duplicate difference"


def _status(**changes: object) -> dict:
    balance = {f"files_{name}": 0 for name in _FILES.split()} | {
        f"images_{name}": 0 for name in "good review black low_quality waiting quarantined difference".split()
    }
    row = {"function": "extract", "oldest_waiting_seconds": 75.4}
    row |= dict.fromkeys(("waiting", "running", "retry", "held", "refused", "quarantined", "done"), 0)
    return {
        "functions": [row | changes.pop("row", {})],
        "balance": balance | {"frames": 0} | changes.pop("balance", {}),
        "last_arrived": {"nas_seconds": 130.0, "raw_seconds": None, "annotations_seconds": 7300.0},
        "labels": {"on_images": 1, "held": 2, "files": 3},
        "buckets": [{"bucket": "images-1", "allocated": 4, "capacity": 400, "images_here": 3}],
        "buckets_in_all": 1,
        "aside": [],
        "can_read_text": True,
        "drift": ["CT of M, week of 2026-11-23: 20% rejected, 3% in the weeks before"],
        "reconciled": {"findings": {"missing": 2, "row": 1}, "age_seconds": 180.0},
        "nas_unknown_marks": 0,
        "nas_refused": [
            {"cause": "archive, not unpacked: x", "files": 1, "folders": [7], "has_more_folders": True}
        ],
        "nas_waiting": [
            {
                "cause": None,
                "files": 3,
                "folders": [7, 9],
                "has_more_folders": False,
                "oldest_seconds": 125.0,
            }
        ],
        "stalled": [
            {"function": "quality", "kind": "lost", "items": 2, "oldest_seconds": 900.0, "cause": None}
        ],
    } | changes


def test_balance_is_two_equations() -> None:
    """The balance is one equation for files and one for images."""
    text = balance_text(_status(balance={"files_found": 3, "files_held": 1, "files_extracted": 2})["balance"])
    files, images = text.splitlines()
    assert files.startswith("Files   3 found = 0 skipped + 0 waiting + 1 held + 0 refused + 0 quarantined")
    assert files.endswith("difference 0")
    assert images.startswith("Images  0 frames = 0 good")


def test_items_set_aside_are_shown_with_cause_and_next_step() -> None:
    """Each cause is a line with its items; its devices and the next step stand below it."""
    row = {
        "function": "extract",
        "state": "held",
        "cause": "Possible text.",
        "next_step": "Look.",
        "items": 2,
        "devices": None,
        "nothing_found": 0,
    }
    assert "2 held by extract (item 4, 7): Possible text.\n    Look." == set_aside_text(
        [row | {"item_ids": [4, 7]}]
    )
    text = set_aside_text([row | {"item_ids": [4, 7], "devices": ["ACME / Sono 3 / 480 x 640"]}])
    assert "Possible text.\n    --device 'ACME / Sono 3 / 480 x 640'\n    Look." in text
    assert "" == set_aside_text([])


def test_erased_files_are_in_the_balance() -> None:
    """Files of erased patients are a term of the first equation, if there are any."""
    assert "erased" not in balance_text(_status()["balance"])
    assert "+ 2 erased on request (" in balance_text(_status(balance={"files_erased": 2})["balance"])


def test_status_text_has_every_part() -> None:
    """Functions, balance, labels and buckets are in the text; ages are in seconds."""
    text = status_text(_status())
    for part in (
        "extract",
        "75 s",
        "Files ",
        "Images ",
        "Labels: 1 on images, 2 held, 3 file(s).",
        "4 of 400",
        "Stalled: quality: 2 crashed and not sent again, the oldest for 15 min.",
        "On the NAS: 3 file(s) wait in folder 7, 9, for 2 min: their folder is not quiet yet",
        "On the NAS: 1 file(s) not copied from folder 7 and more: archive, not unpacked: x",
        "Rows and objects compared (last one began 3 min ago): 2 missing, 1 row; dcm2set reconcile lists",
        "Last arrived: NAS 2 min ago, raw directly never, annotations 2 h ago.",
    ):
        assert part in text


def test_status_says_that_the_first_comparison_goes_on() -> None:
    """Before a comparison was complete, "nothing differs" is no result."""
    text = status_text(_status(reconciled={"findings": {}, "age_seconds": None}))
    assert "Rows and objects compared (the first comparison is not complete yet): nothing differs." in text


@pytest.mark.parametrize("difference", [1, -1])
@pytest.mark.parametrize("which", ["files_difference", "images_difference"])
def test_any_difference_is_not_closed(which: str, difference: int) -> None:
    """The balance is closed only if both differences are 0."""
    assert is_closed(_status())
    assert not is_closed(_status(balance={which: difference}))


@pytest.mark.parametrize(
    "changes",
    [
        {"row": {"waiting": 1}},
        {"row": {"running": 1}},
        {"row": {"retry": 1}},
        {"balance": {"files_waiting": 1}},
        {"balance": {"images_waiting": 1}},
    ],
)
def test_unfinished_work_is_waiting(changes: dict) -> None:
    """Work that waits, runs or will be retried keeps the pipeline from being idle."""
    assert not is_waiting(_status(row={"held": 1, "quarantined": 1, "done": 5}))
    assert is_waiting(_status(**changes))
