"""One poll: visits the folders that may have changed, copies the quiet ones and marks the finished ones."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from common.errors import PipelineError
from common.nas.nas import NameTakenError, Nas
from common.nas.processed_mark import Mark
from common.nas.storable_name import storable
from common.nas.system_names import is_system_name
from common.process.json_log import log_item
from functions.poll_nas.copy_files import FileCopier, FolderToCopy
from functions.poll_nas.folder_listing import Listing
from functions.poll_nas.folder_visits import ROOT, FolderVisit, planned_visits
from functions.poll_nas.source_rows import UPLOAD_HOURS, ListingChanges, SourceFolder, SourceRows

_TIME_IS_OVER = "The poll's time is over (DCM2SET_NAS_POLL_BUDGET_SECONDS); the next one continues."
_MOST_MARKS = 100  # names that are tried for one folder in one poll
_LOCK_IS_LOST = "The database ended the poll's session; the next poll continues."


@dataclass
class FolderReport:
    """What a poll did with one folder. The folder's id stands for its name, which may name a patient."""

    folder: int
    found: int = 0
    copied: int = 0
    skipped: int = 0
    waiting: int = 0
    cause: str | None = None

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to report."""
        return bool(self.found or self.copied or self.skipped or self.waiting or self.cause)


@dataclass(frozen=True)
class PollLimits:
    """How much one poll does."""

    quiet_seconds: float  # a folder must be unchanged, and each of its files older, before it is copied
    budget_seconds: float  # after this time the poll ends, and the next one continues
    recheck_folders: int  # processed folders that seem unchanged and are visited anyway
    folders: int = 1  # visited at the same time


@dataclass(frozen=True)
class PollContext:
    """What the visits of one poll share."""

    is_over: Callable[[], bool]
    names: set[str]  # of the entries in the root
    listing: Lock = field(default_factory=Lock)  # one listing at a time: each holds a session of the database
    naming: Lock = field(default_factory=Lock)


@dataclass(frozen=True)
class FolderPoller:
    """The work of poll_nas on its ports."""

    nas: Nas
    rows: SourceRows
    copier: FileCopier
    mark: Mark | None  # of processed folders; None: folders are never renamed
    limits: PollLimits
    stopwatch: Callable[[], float] = field(default=time.monotonic)

    def poll(self) -> Mapping[str, object]:
        """Visit every folder that may have changed. Two polls never run at the same time."""
        ends_at = self.stopwatch() + self.limits.budget_seconds
        with self.rows.lock() as is_held:
            if is_held is None:
                return {"status": "no_updates", "cause": "Another poll is running."}
            listed = [folder for folder in self.nas.list_folders() if not is_system_name(folder.name)]
            names = [folder.name for folder in listed]
            self._repair_marks(names)
            if closed := self.rows.record_present(names):
                log_item("poll_nas", status="done", outcome="gone", files=closed)
            known = self.rows.known_folders([ROOT, *names])
            plan = planned_visits(listed, known, mark=self.mark, recheck=self.limits.recheck_folders)
            self.rows.record_unknown_marks(plan.unknown)
            poll = PollContext(lambda: self.stopwatch() > ends_at or not is_held(), set(names))
            visits = iter(plan.visits)
            reports = self._visit_all(visits, poll)
        changed = [_as_json(report) for report in reports if report.has_changes]
        answer: dict[str, object] = {"status": "updates" if changed else "no_updates", "folders": changed}
        if left := sum(1 for _ in visits):
            answer["not_reached"] = left
            answer["cause"] = _TIME_IS_OVER if is_held() else _LOCK_IS_LOST
        unknown = {"unknown_marks": plan.unknown} if plan.unknown else {}
        return answer | {"marked_folders": plan.marked} | unknown

    def _repair_marks(self, names: Iterable[str]) -> None:
        """Finish the marks of a poll that crashed after it renamed a folder and before it wrote the row."""
        present = {storable(name) for name in names}
        for folder in self.rows.planned_marks():
            if folder.mark in present and folder.name not in present:
                self.rows.record_processed(folder, mark=folder.mark)

    def _visit_all(self, visits: Iterator[FolderVisit], poll: PollContext) -> list[FolderReport]:
        """Visit until the poll's time is over, some folders at a time, but each thread at least one."""
        reports: list[FolderReport] = []
        next_visit = Lock()

        def work() -> None:
            while True:
                with next_visit:
                    visit = next(visits, None)
                if visit is None:
                    return
                if (report := self._visit(visit, poll)) is not None:
                    reports.append(report)
                if poll.is_over():
                    return

        with ThreadPoolExecutor(self.limits.folders, "visit") as threads:
            futures = [threads.submit(work) for _ in range(self.limits.folders)]
        for future in futures:
            future.result()
        return reports

    def _visit(self, visit: FolderVisit, poll: PollContext) -> FolderReport | None:
        """Visit one folder; an error ends this visit only, and the other folders are still visited."""
        if visit.nas_name == ROOT and visit.row is None and not any(self.nas.list_files(ROOT)):
            return None  # files in the root are rare, so the root gets a row only when it has some
        with poll.listing:
            folder = visit.row or self.rows.folder(visit.key_name)
        report = FolderReport(folder.id)
        try:
            self._process(visit, folder, report, poll)
        except PipelineError as error:
            report.cause = str(error)
        except Exception as error:  # noqa: BLE001 an error that nobody foresaw must not stop the other folders
            report.cause = f"Unexpected {type(error).__name__}; please report it with the log of poll_nas."
        else:
            return report
        log_item("poll_nas", folder=folder.id, status="retry", cause=report.cause)
        self.rows.record_failed_visit(folder, cause=report.cause)
        return report

    def _process(
        self, visit: FolderVisit, folder: SourceFolder, report: FolderReport, poll: PollContext
    ) -> None:
        listing = Listing(self.nas, visit.nas_name, self.limits.quiet_seconds)
        with poll.listing:
            changes = self.rows.record_listing(folder, listing.files(), listed_time=visit.listed_time)
        report.found, report.skipped, report.waiting = changes.found, changes.skipped, changes.waiting
        report.cause = changes.cause
        if not self._is_quiet(changes) or listing.has_recent:
            return
        quiet = FolderToCopy(visit.nas_name, visit.key_name, changes.folder)
        if changes.blocked and _quiet_seconds(changes) >= UPLOAD_HOURS * 3600:
            self._give_up_uploads(changes, report)
        if changes.waiting > changes.blocked:
            self._copy(quiet, report, poll.is_over)
        is_done = bool(changes.files) and not report.waiting and not report.cause
        if is_done and changes.folder.processed_at is None:
            self._mark(quiet, poll)

    def _is_quiet(self, changes: ListingChanges) -> bool:
        is_unchanged = not (changes.found or changes.changed)
        return is_unchanged and _quiet_seconds(changes) >= self.limits.quiet_seconds

    def _give_up_uploads(self, changes: ListingChanges, report: FolderReport) -> None:
        given_up = self.rows.give_up_uploads(changes.folder)
        report.waiting -= given_up
        report.skipped += given_up
        if given_up == changes.blocked:
            report.cause = None

    def _copy(self, folder: FolderToCopy, report: FolderReport, is_over: Callable[[], bool]) -> None:
        progress = self.copier.copy(folder, is_over)
        report.copied = progress.copied
        report.skipped += progress.skipped
        report.waiting -= progress.done
        report.cause = progress.cause or report.cause
        if progress.cause:
            log_item("poll_nas", folder=folder.row.id, status="retry", cause=progress.cause)
        elif progress.copied:
            log_item("poll_nas", folder=folder.row.id, status="done", copied=progress.copied)

    def _mark(self, folder: FolderToCopy, poll: PollContext) -> None:
        marked = None
        if self.mark is not None and folder.nas_name != ROOT:
            marked = self._marked(folder, self.mark, poll)
        self.rows.record_processed(folder.row, mark=marked)
        log_item("poll_nas", folder=folder.row.id, status="done", outcome="processed")

    def _marked(self, folder: FolderToCopy, mark: Mark, poll: PollContext) -> str:
        """Rename a folder, and return its new name. A name that is taken gets a number."""
        for _ in range(_MOST_MARKS):
            with poll.naming:
                marked = mark.name(folder.nas_name, poll.names)
                poll.names.add(marked)
            self.rows.plan_mark(folder.row, mark=marked)
            try:
                self.nas.rename_folder(folder.nas_name, marked)
            except NameTakenError:  # by a file, or by a name that the share takes for the same
                continue
            return marked
        raise NameTakenError


def _quiet_seconds(changes: ListingChanges) -> float:
    """How long every listing of the folder was the same, until the last visit began."""
    return (changes.folder.looked_at - changes.folder.quiet_since).total_seconds()


def _as_json(report: FolderReport) -> dict[str, object]:
    return {name: value for name, value in vars(report).items() if value not in (0, None)}
