"""Peak memory while one file is processed, each time in a new process (Linux)."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.corpus import CLIP_CODINGS, Sample, make_clip
from benchmarks.support.dcm2set_routes import complete_step, pixel_path
from benchmarks.support.documented_route import documented_route
from benchmarks.support.report import Figure

_ROUTES = {"pixel path": pixel_path, "complete step": complete_step, "documented route": documented_route}
_DCM2SET = ("pixel path", "complete step")
_FRAMES = (20, 100, 300)
_MEGABYTE = 1024 * 1024
_MAX_MEGABYTES = 25.0
_MAX_GROWTH = 2.0
# One frame's working set: decoded frame, picture, filtered rows and PNG.
_FRAME_MEGABYTES = 4 * 240 * 320 * 3 / _MEGABYTE
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def memory_figures(folder: Path) -> list[Figure]:
    """Return the peaks of every route on clips of several lengths; empty if the system can't measure them."""
    if not _CLEAR.exists():
        return []
    figures = []
    for coding in CLIP_CODINGS:
        warm = make_clip(1, coding, folder, size=32)
        clips = [make_clip(frames, coding, folder) for frames in _FRAMES]
        for route in _ROUTES:
            peaks = [_peak_in_a_process(route, warm, clip) for clip in clips]
            figures += _figures(f"US {coding}: {route}", peaks, is_dcm2set=route in _DCM2SET)
    return figures


def _figures(name: str, peaks: list[float], *, is_dcm2set: bool) -> list[Figure]:
    most = round(_MAX_MEGABYTES + _FRAME_MEGABYTES, 1)
    figures = [
        Figure.at_most(f"{name}: memory, {frames} frames", peak, most if is_dcm2set else None, unit="MB")
        for frames, peak in zip(_FRAMES, peaks, strict=True)
    ]
    growth = max(peaks) - min(peaks)
    figures.append(
        Figure.at_most(
            f"{name}: memory, difference between them", growth, _MAX_GROWTH if is_dcm2set else None, unit="MB"
        )
    )
    return figures


def _peak_in_a_process(route: str, warm: Sample, clip: Sample) -> float:
    out = clip.path.parent / "out"
    out.mkdir(exist_ok=True)
    clips = (str(warm.path), str(clip.path), str(clip.number_of_frames))
    command = [sys.executable, __file__, route, str(out), *clips]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    """Run in the new process: warm up with a tiny file, then print the peak above the idle memory."""
    name, out, warm, clip, frames = sys.argv[1:]
    route = _ROUTES[name]
    route(Sample("US", "", Path(warm), number_of_frames=1), Path(out))
    _CLEAR.write_text("5", encoding="ascii")  # proc(5): resets the peak
    before = _kilobytes("VmRSS")
    route(Sample("US", "", Path(clip), int(frames)), Path(out))
    print((_kilobytes("VmHWM") - before) / 1024)


def _kilobytes(name: str) -> int:
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name))
    return int(line.split()[1])


if __name__ == "__main__":
    main()
