"""Pictures of held files, drawn in a sandbox, some of them ahead; kept in memory for a short while."""

import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from common.errors import ObjectMissingError, PermanentError
from common.process.work_folder import work_folder
from common.settings import Settings
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from oversight.held_pictures.drawing import DrawingProcess
from oversight.held_pictures.request import Drawn, Request

_FRAMES_AT_ONCE = 8  # drawn together: opening a file costs as much as drawing some frames
_MOST_BYTES = 256 * 1024 * 1024  # of pictures in memory
_MOST_ORIGINALS = 8  # in the temporary folder
THUMBNAIL = 256  # longest side of a picture on a contact sheet, in pixels


@dataclass(frozen=True)
class Original:
    """A held file in the store, as the ledger has it."""

    item_id: int
    location: Location
    etag: str
    releases: int = 0
    blank: tuple[tuple[int, ...], ...] = ()
    frames_of_text: tuple[int, ...] = ()

    @property
    def first_frame(self) -> int:
        """The frame to look at first: one in which text was found."""
        return min(self.frames_of_text, default=1)


@dataclass(frozen=True)
class _Wanted:
    original: Original
    frames: tuple[int, ...]
    window: tuple[float, float] | None
    longest_side: int | None


@dataclass
class HeldPictures:
    """Draws frames of held files; safe to share between threads."""

    store: ObjectStore
    settings: Settings
    _drawn: "OrderedDict[_Wanted, Future[Drawn]]" = field(default_factory=OrderedDict)
    _folders: "OrderedDict[tuple[Location, str], Path]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _download_lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        # One process for the picture that a person waits for, and one for those that are drawn ahead.
        self._now, self._ahead = DrawingProcess(), DrawingProcess()
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="draw ahead")

    def frame(self, original: Original, number: int, window: tuple[float, float] | None = None) -> Drawn:
        """The pictures of a block of frames with this one; the number of frames is told as well."""
        return self._get(_Wanted(original, _block(number), window, None), self._now)

    def thumbnail(self, original: Original) -> Drawn:
        """A small picture of the first frame, or of one in which text was found."""
        return self._get(_Wanted(original, (original.first_frame,), None, THUMBNAIL), self._now)

    def draw_ahead(self, originals: Sequence[Original]) -> None:
        """Draw the first pictures of files that a person will look at next, without waiting."""
        for original in originals:
            wanted = _Wanted(original, _block(original.first_frame), None, None)
            with self._lock:
                if wanted in self._drawn:
                    continue
            self._workers.submit(self._get, wanted, self._ahead)

    def close(self) -> None:
        """End the processes, and remove the originals from the temporary folder."""
        self._workers.shutdown(cancel_futures=True)
        self._now.close()
        self._ahead.close()
        while self._folders:
            shutil.rmtree(self._folders.popitem()[1], ignore_errors=True)

    def _get(self, wanted: _Wanted, process: DrawingProcess) -> Drawn:
        """What was drawn before, or is being drawn, or is drawn now."""
        with self._lock:
            known = self._drawn.get(wanted)
            if known is None:
                future: Future[Drawn] = Future()
                self._drawn[wanted] = future
            else:
                self._drawn.move_to_end(wanted)
        if known is not None:
            return known.result()
        try:
            drawn = self._draw(wanted, process)
        except BaseException as error:
            with self._lock:
                self._drawn.pop(wanted, None)
            future.set_exception(error)
            raise
        future.set_result(drawn)
        self._forget_oldest()
        return drawn

    def _draw(self, wanted: _Wanted, process: DrawingProcess) -> Drawn:
        original = wanted.original
        try:
            folder = self._folder(original)
        except ObjectMissingError:
            return Drawn(cause="Its original is not in the object store.")
        except PermanentError as error:
            return Drawn(cause=str(error))
        request = Request(
            most_frames=_FRAMES_AT_ONCE,
            frames=wanted.frames,
            window=wanted.window,
            longest_side=wanted.longest_side,
            releases=original.releases,
            blank=original.blank,
        )
        try:
            return process.draw(folder, request)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, original: Original) -> Path:
        """A folder of its own for each drawing, with the original under a second name."""
        with self._download_lock:
            kept = self._kept(original)
            folder = Path(tempfile.mkdtemp(dir=work_folder()))
            (folder / "source.dcm").hardlink_to(kept)
        return folder

    def _kept(self, original: Original) -> Path:
        """The original in the temporary folder; the one that was used longest ago is removed for it."""
        key = (original.location, original.etag)
        if key in self._folders:
            self._folders.move_to_end(key)
            return self._folders[key] / "original"
        version = self.store.stat(original.location)
        if version.size > self.settings.max_megabytes_per_file * 1024 * 1024:
            raise PermanentError("It is larger than DCM2SET_MAX_MEGABYTES_PER_FILE, so it is not drawn.")
        folder = Path(tempfile.mkdtemp(dir=work_folder()))
        try:
            self.store.download(version, folder / "original")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._folders[key] = folder
        while len(self._folders) > _MOST_ORIGINALS:
            shutil.rmtree(self._folders.popitem(last=False)[1], ignore_errors=True)
        return folder / "original"

    def _forget_oldest(self) -> None:
        """Keep the pictures that were used last, up to the limit of memory."""
        with self._lock:
            kept = 0
            for wanted in reversed(list(self._drawn)):
                future = self._drawn[wanted]
                if not future.done():
                    continue
                with suppress(Exception):
                    kept += sum(map(len, future.result().pictures.values()))
                if kept > _MOST_BYTES:
                    del self._drawn[wanted]


def _block(number: int) -> tuple[int, ...]:
    """The frames that are drawn together with one; a block ends before 1 + a multiple of its size."""
    first = (number - 1) // _FRAMES_AT_ONCE * _FRAMES_AT_ONCE + 1
    return tuple(range(first, first + _FRAMES_AT_ONCE))
