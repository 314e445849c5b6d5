"""A trace as a time line: one sentence for each event, in order of time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from oversight.trace.conflicts import resolution_lines

Event = tuple[datetime | None, str]  # None: the time is not known


def time_line(trace: dict[str, Any]) -> list[Event]:
    """Everything that happened, the earliest first; events without a time stand last."""
    events = [*_files(trace["files"]), *_items(trace["items"]), *_instance(trace["instance"])]
    events += [*resolution_lines(trace), *_refusals(trace["refusals"])]
    for image in trace["images"]:
        events += _image(image)
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(events, key=lambda event: event[0] or last)


def _files(files: list[dict[str, Any]]) -> Iterator[Event]:
    for file in files:
        name = f"file-{file['id']}"
        yield file["found_at"], f"{name} found in NAS folder {file['folder_id']}, {file['size']} bytes"
        if file["state"] == "skipped":
            yield None, f"{name} skipped: {file['cause']}"
        if file["copied_at"]:
            yield file["copied_at"], f"{name} copied to raw and verified"
        if file["folder_processed_at"]:
            yield file["folder_processed_at"], f"NAS folder {file['folder_id']} processed"


def _items(items: list[dict[str, Any]]) -> Iterator[Event]:
    for item in items:
        name = f"{item['function']} item {item['id']}"
        location = f": {item['object']}" if item["object"] else ""
        yield item["first_seen_at"], f"{name} first seen{location}"
        for each in item["each_attempt"]:
            attempt = f"{name} attempt {each['attempt']}"
            yield each["started_at"], f"{attempt} claimed by {each['worker'] or 'an unknown worker'}"
            if each["ended_at"] or each["state"] not in {"running", "retry"}:
                yield each["ended_at"], f"{attempt} {_state(each)}"
        if item["released_at"]:
            blanked = f", with {len(item['blank'])} rectangle(s) blanked" if item["blank"] else ""
            yield (
                item["released_at"],
                f"{name} released by {item['released_by']}{blanked}: {item['released_why']}",
            )
        if item["text_finding"]:
            places = f" in {item['text_places']} place(s)" if item["text_places"] else ""
            yield None, f"{name}, search for text: {item['text_finding']}{places}"
        if item["state"] in {"running", "retry"}:
            yield None, f"{name} is {_state(item)}"
        if item["next_step"] and item["state"] != "refused":
            yield None, f"{name}, next step: {item['next_step']}"


def _refusals(refusals: list[dict[str, Any]]) -> Iterator[Event]:
    for each in refusals:
        what = "refused" if each["decision"] == "refused" else "held again, the refusal undone"
        yield each["decided_at"], f"item {each['item_id']} {what} by {each['decided_by']}: {each['why']}"


def _state(row: dict[str, Any]) -> str:
    """The state of an item or attempt, with its outcome and cause."""
    parts = [row["state"], row["outcome"] and f"({row['outcome']})", row["cause"] and f"- {row['cause']}"]
    return " ".join(part for part in parts if part)


def _instance(instance: dict[str, Any] | None) -> Iterator[Event]:
    if instance is None:
        return
    name = f"instance {instance['sop_instance_uid']}"
    yield instance["allocated_at"], f"{name} allocated: {instance['number_of_frames']} frame(s)"
    if instance["completed_at"]:
        versions = f"recipe {instance['recipe_version']}, version {instance['pipeline_version']}"
        yield instance["completed_at"], f"{name} extracted: {versions}"


def _image(image: dict[str, Any]) -> Iterator[Event]:
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
        time = label.get("created_at")
        text = f"{name} labelled {label.get('label')} = {label.get('value')}"
        yield datetime.fromisoformat(time) if time else None, text
    yield None, f"{name} lies in {image['bucket']}"
