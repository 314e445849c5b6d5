"""One poll: look at each folder that may have news, copy the quiet ones, mark the ones that are done."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from common.errors import PipelineError
from common.nas.nas import Nas, is_system_name
from common.nas.processed_mark import Mark
from common.process.json_log import log_item
from functions.poll_nas.copy_files import FileCopier, FolderPlace
from functions.poll_nas.folder_listing import Listing
from functions.poll_nas.folder_visits import ROOT, FolderVisit, planned_visits
from functions.poll_nas.source_rows import Look, SourceFolder, SourceRows, storable

_TIME_IS_OVER = "The poll's time is over (DCM2SET_NAS_POLL_BUDGET_SECONDS); the next one goes on."
_LOCK_IS_LOST = "The database ended the poll's session; the next poll goes on."


@dataclass
class FolderReport:
    """What a poll did with one folder, by its id: its name may tell a patient."""

    folder: int
    found: int = 0
    copied: int = 0
    skipped: int = 0
    waiting: int = 0
    cause: str | None = None

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.found or self.copied or self.skipped or self.waiting or self.cause)


@dataclass(frozen=True)
class PollLimits:
    """How much one poll does."""

    quiet_seconds: float  # least time between two equal looks, and least age of a file
    budget_seconds: float  # afterwards the next poll goes on
    recheck_folders: int  # processed folders looked into again though nothing tells of news


@dataclass(frozen=True)
class Poll:
    """What the visits of one poll share."""

    is_over: Callable[[], bool]
    names: set[str]  # in the root


@dataclass(frozen=True)
class FolderPoller:
    """The work of poll_nas on its ports."""

    nas: Nas
    rows: SourceRows
    copier: FileCopier
    mark: Mark | None  # of processed folders; None: never rename
    limits: PollLimits
    stopwatch: Callable[[], float] = field(default=time.monotonic)

    def poll(self) -> Mapping[str, object]:
        """Look at every folder that may have news. Two polls never run at the same time."""
        ends_at = self.stopwatch() + self.limits.budget_seconds
        with self.rows.lock() as is_mine:
            if is_mine is None:
                return {"status": "no_updates", "cause": "Another poll is running."}
            listed = [folder for folder in self.nas.list_folders() if not is_system_name(folder.name)]
            names = [folder.name for folder in listed]
            self._repair_marks(names)
            known = self.rows.known_folders([ROOT, *names])
            plan = planned_visits(listed, known, mark=self.mark, recheck=self.limits.recheck_folders)
            this = Poll(lambda: self.stopwatch() > ends_at or not is_mine(), set(names))
            visits = iter(plan.visits)
            reports = [self._visited(visit, this) for visit in _within(visits, this.is_over)]
        news = [_told(report) for report in reports if report and report.is_news]
        answer: dict[str, object] = {"status": "updates" if news else "no_updates", "folders": news}
        if left := sum(1 for _ in visits):
            answer["not_reached"] = left
            answer["cause"] = _TIME_IS_OVER if is_mine() else _LOCK_IS_LOST
        return answer | {"marked_folders": plan.marked}

    def _repair_marks(self, names: Iterable[str]) -> None:
        """A crash after a folder was renamed and before its row knew."""
        there = {storable(name) for name in names}
        for folder in self.rows.planned_marks():
            if folder.mark in there and folder.name not in there:
                self.rows.record_processed(folder, mark=folder.mark)

    def _visited(self, visit: FolderVisit, this: Poll) -> FolderReport | None:
        """One folder; its faults are its own, the others are polled all the same."""
        if visit.nas_name == ROOT and visit.row is None and not any(self.nas.list_files(ROOT)):
            return None  # files in no folder are rare, and get a row only when there are any
        folder = visit.row or self.rows.folder(visit.key_name)
        report = FolderReport(folder.id)
        try:
            self._look(visit, folder, report, this)
        except PipelineError as error:
            report.cause = str(error)
            log_item("poll_nas", folder=folder.id, status="retry", cause=str(error))
            self.rows.record_failed_look(folder)
        return report

    def _look(self, visit: FolderVisit, folder: SourceFolder, report: FolderReport, this: Poll) -> None:
        listing = Listing(self.nas, visit.nas_name, self.limits.quiet_seconds)
        seen = self.rows.look(folder, listing.files(), listed_time=visit.listed_time)
        report.found, report.skipped, report.waiting = seen.found, seen.skipped, seen.waiting
        if not self._is_quiet(seen) or listing.has_young:
            return
        place = FolderPlace(visit.nas_name, visit.key_name, seen.folder)
        if seen.waiting:
            self._copy(place, report, this.is_over)
        is_done = bool(seen.files) and not report.waiting and not report.cause
        if is_done and seen.folder.processed_at is None:
            self._mark(place, this.names)

    def _is_quiet(self, seen: Look) -> bool:
        quiet_for = (seen.folder.looked_at - seen.folder.quiet_since).total_seconds()
        return not (seen.found or seen.changed) and quiet_for >= self.limits.quiet_seconds

    def _copy(self, place: FolderPlace, report: FolderReport, is_over: Callable[[], bool]) -> None:
        records = self.copier.copy(place, is_over)
        report.copied = records.copied
        report.skipped += records.skipped
        report.waiting -= records.done
        report.cause = records.cause
        if records.cause:
            log_item("poll_nas", folder=place.row.id, status="retry", cause=records.cause)
        elif records.copied:
            log_item("poll_nas", folder=place.row.id, status="done", copied=records.copied)

    def _mark(self, place: FolderPlace, taken: set[str]) -> None:
        marked = None
        if self.mark is not None and place.nas_name != ROOT:
            marked = self.mark.name(place.nas_name, taken)
            self.rows.plan_mark(place.row, mark=marked)
            self.nas.rename_folder(place.nas_name, marked)
            taken.add(marked)
        self.rows.record_processed(place.row, mark=marked)
        log_item("poll_nas", folder=place.row.id, status="done", outcome="processed")


def _within(visits: Iterator[FolderVisit], is_over: Callable[[], bool]) -> Iterator[FolderVisit]:
    """Visits until time is over; one at least."""
    for visit in visits:
        yield visit
        if is_over():
            return


def _told(report: FolderReport) -> dict[str, object]:
    return {name: value for name, value in vars(report).items() if value not in (0, None)}
