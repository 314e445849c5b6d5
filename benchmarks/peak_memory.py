"""The peak of memory while one file is worked on, each in a fresh process (Linux)."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imaging  # noqa: F401 keeps pydicom's warnings out of the table
from benchmarks.corpus import CLIP_CODINGS, Sample, make_clip
from benchmarks.documented_route import documented_route
from benchmarks.our_sides import pixel_path, whole_step
from benchmarks.report import Figure

_SIDES = {"pixel path": pixel_path, "whole step": whole_step, "documented route": documented_route}
_OURS = ("pixel path", "whole step")
_FRAMES = (20, 100, 300)
_MEGABYTE = 1024 * 1024
_MOST_MEGABYTES = 25.0
_MOST_GROWTH = 2.0
# One frame's working set: decoded, its picture, its filtered rows and its PNG.
_FRAME_MEGABYTES = 4 * 240 * 320 * 3 / _MEGABYTE
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def memory_figures(folder: Path) -> list[Figure]:
    """Peaks of every side on clips of several lengths; none where the system doesn't tell them."""
    if not _CLEAR.exists():
        return []
    figures = []
    for coding in CLIP_CODINGS:
        warm = make_clip(1, coding, folder, size=32)
        clips = [make_clip(frames, coding, folder) for frames in _FRAMES]
        for side in _SIDES:
            peaks = [_peak_in_a_process(side, warm, clip) for clip in clips]
            figures += _figures(f"US {coding}: {side}", peaks, is_ours=side in _OURS)
    return figures


def _figures(name: str, peaks: list[float], *, is_ours: bool) -> list[Figure]:
    most = round(_MOST_MEGABYTES + _FRAME_MEGABYTES, 1)
    figures = [
        Figure.at_most(f"{name}: memory, {frames} frames", peak, most if is_ours else None, unit="MB")
        for frames, peak in zip(_FRAMES, peaks, strict=True)
    ]
    growth = max(peaks) - min(peaks)
    figures.append(
        Figure.at_most(f"{name}: memory, between them", growth, _MOST_GROWTH if is_ours else None, unit="MB")
    )
    return figures


def _peak_in_a_process(side: str, warm: Sample, clip: Sample) -> float:
    out = clip.path.parent / "out"
    out.mkdir(exist_ok=True)
    clips = (str(warm.path), str(clip.path), str(clip.number_of_frames))
    command = [sys.executable, __file__, side, str(out), *clips]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    """In the process: a tiny file to warm up, then the peak of a run above what is there before."""
    name, out, warm, clip, frames = sys.argv[1:]
    side = _SIDES[name]
    side(Sample("US", "", Path(warm), number_of_frames=1), Path(out))
    _CLEAR.write_text("5", encoding="ascii")  # proc(5): the peak begins anew
    before = _kilobytes("VmRSS")
    side(Sample("US", "", Path(clip), int(frames)), Path(out))
    print((_kilobytes("VmHWM") - before) / 1024)


def _kilobytes(name: str) -> int:
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name))
    return int(line.split()[1])


if __name__ == "__main__":
    main()
