"""A trace as text for a terminal: one line a happening, in order of time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_Line = tuple[datetime | None, str]


def trace_text(told: dict[str, Any]) -> str:
    """All that happened, the earliest first; what has no time stands last."""
    lines = [*_files(told["files"]), *_items(told["items"]), *_instance(told["instance"])]
    for image in told["images"]:
        lines += _image(image)
    last = datetime.max.replace(tzinfo=UTC)
    ordered = sorted(lines, key=lambda line: line[0] or last)
    return "\n".join([f"source {told['source'] or 'unknown'}", *(_written(*line) for line in ordered)])


def _written(time: datetime | None, text: str) -> str:
    shown = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:23] if time else " " * 23
    return f"{shown}  {text}"


def _files(files: list[dict[str, Any]]) -> Iterator[_Line]:
    for file in files:
        name = f"file-{file['id']}"
        yield file["found_at"], f"{name} found in folder {file['folder_id']} of the NAS, {file['size']} bytes"
        if file["state"] == "skipped":
            yield None, f"{name} skipped: {file['cause']}"
        if file["copied_at"]:
            yield file["copied_at"], f"{name} copied to raw and verified"
        if file["folder_processed_at"]:
            yield file["folder_processed_at"], f"folder {file['folder_id']} processed"


def _items(items: list[dict[str, Any]]) -> Iterator[_Line]:
    for item in items:
        name = f"{item['function']} item {item['id']}"
        yield item["first_seen_at"], f"{name} seen first{_of(item['object'])}"
        for each in item["each_attempt"]:
            tried = f"{name} attempt {each['attempt']}"
            yield each["started_at"], f"{tried} claimed by {each['worker'] or 'an unknown worker'}"
            if each["ended_at"] or each["state"] not in {"running", "retry"}:
                yield each["ended_at"], f"{tried} {_ended(each)}"
        if item["released_at"]:
            yield item["released_at"], f"{name} released by {item['released_by']}: {item['released_why']}"
        if item["state"] in {"running", "retry"}:
            yield None, f"{name} is {_ended(item)}"
        if item["next_step"]:
            yield None, f"{name}, next step: {item['next_step']}"


def _of(place: str | None) -> str:
    return f": {place}" if place else ""


def _ended(row: dict[str, Any]) -> str:
    parts = [row["state"], row["outcome"] and f"({row['outcome']})", row["cause"] and f"- {row['cause']}"]
    return " ".join(part for part in parts if part)


def _instance(instance: dict[str, Any] | None) -> Iterator[_Line]:
    if instance is None:
        return
    name = f"instance {instance['sop_instance_uid']}"
    yield instance["allocated_at"], f"{name} taken on: {instance['number_of_frames']} frame(s)"
    if instance["completed_at"]:
        made_by = f"recipe {instance['recipe_version']}, version {instance['pipeline_version']}"
        yield instance["completed_at"], f"{name} drawn and written, {made_by}"


def _image(image: dict[str, Any]) -> Iterator[_Line]:
    name = f"image {image['frame']}"
    yield image["allocated_at"], f"{name} allocated to {image['allocated_bucket']}/{image['key']}"
    if image["verdict"]:
        reasons = ", ".join(image["reasons"])
        yield (
            image["checked_at"],
            f"{name} judged {image['by_model']}, score {image['score']:.3f}, model {image['model_version']}"
            + (f" ({reasons})" if reasons else ""),
        )
    for each in image["overrulings"]:
        yield each["decided_at"], f"{name} overruled {each['verdict']} by {each['decided_by']}: {each['why']}"
    for label in image["labels"]:
        at = label.get("created_at")
        told = f"{name} labelled {label.get('label')} = {label.get('value')}"
        yield datetime.fromisoformat(at) if at else None, told
    yield None, f"{name} lies in {image['bucket']}"
