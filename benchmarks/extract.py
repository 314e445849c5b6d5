"""From a DICOM file to its 8-bit PNGs, beside other ways to do it, interleaved in one run.

Sides: our pixel path; our whole step (read, de-identify, metadata JSON, PNG, no stores); the route of
pydicom's and Pillow's documentation; the floor (decode and PNG encode alone, no look-up tables).
The corpus is made from real pixels of pydicom and pydicom-data in several transfer syntaxes.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imagecodecs
import numpy as np
import pydicom
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

import common.dicom  # noqa: F401 keeps pydicom's warnings out of the table
from benchmarks.report import Figure, report
from common.deidentification.pseudonym import Pseudonyms
from common.dicom.image_checks import Limits
from common.dicom.image_file import read_image_file
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import describe
from functions.extract.png_frames import draw_frames, encode_png

_PSEUDONYMS = Pseudonyms(bytes(32))
# At least so many times as fast as the documented route, by kind of file.
_BARS = {
    "CT uncompressed": 6.0,
    "CT RLE": 5.0,
    "CT JPEG lossless": 3.5,
    "CT JPEG 2000": 1.3,
    "DX uncompressed": 15.0,
    "DX JPEG lossless": 6.0,
    "US uncompressed": 12.0,
}
_WHOLE_BAR = 1.5


def main() -> None:
    """Measure and report."""
    rounds = 3 if "--quick" in sys.argv else 9
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        figures = [
            figure
            for kind, path in _corpus(folder).items()
            for figure in _measured(kind, path, folder / "out", rounds)
        ]
    report("DICOM to PNG, one process", figures)


def _measured(kind: str, path: Path, out: Path, rounds: int) -> list[Figure]:
    out.mkdir(exist_ok=True)
    sides: dict[str, Callable[[], int]] = {
        "pixel path": lambda: _pixel_path(path, out),
        "whole step": lambda: _whole_step(path, out),
        "documented": lambda: _documented(path, out),
        "floor": lambda: _floor(path),
    }
    sizes = {name: side() for name, side in sides.items()}  # warm, and the PNGs' bytes
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            started = time.perf_counter()
            side()
            times[name].append(time.perf_counter() - started)
    medians = {name: median(values) for name, values in times.items()}
    faster = medians["documented"] / medians["pixel path"]
    whole = medians["documented"] / medians["whole step"]
    bar, whole_bar = _BARS.get(kind), _WHOLE_BAR if kind == "CT uncompressed" else None
    size = sizes["pixel path"] / sizes["documented"]
    return [
        Figure(f"{kind}: pixel path", medians["pixel path"] * 1000, "ms"),
        _ratio(f"{kind}: documented route / pixel path", faster, bar),
        _ratio(f"{kind}: documented route / whole step", whole, whole_bar),
        Figure(f"{kind}: pixel path / floor", medians["pixel path"] / medians["floor"], "x"),
        Figure(f"{kind}: PNG bytes / Pillow's default", size, "x", "<= 1.25", size <= 1.25),
    ]


def _ratio(name: str, value: float, bar: float | None) -> Figure:
    if bar is None:
        return Figure(name, value, "x")
    return Figure(name, value, "x", f">= {bar}", value >= bar)


def _pixel_path(path: Path, out: Path) -> int:
    image_file = read_image_file(path, Limits())
    return sum(len(frame.read()) for frame in draw_frames(image_file, out, keep=lambda: None))


def _whole_step(path: Path, out: Path) -> int:
    image_file = read_image_file(path, Limits())
    frames = draw_frames(image_file, out, keep=lambda: None)
    instance = deidentify(image_file, _PSEUDONYMS)
    document = describe(instance, rows=frames[0].rows, columns=frames[0].columns, key_id="bench")
    return len(instance.to_bytes()) + len(document.to_json())


def _documented(path: Path, out: Path) -> int:
    """As in the user guide of pydicom ("Working with Pixel Data"), and Pillow's save, for every frame."""
    ds = pydicom.dcmread(path)
    frames = ds.pixel_array
    if int(ds.get("NumberOfFrames") or 1) == 1:
        frames = frames[None]
    size = 0
    for number, frame in enumerate(frames):
        picture = frame if frame.ndim == 3 else _documented_grey(frame, ds)
        target = out / f"documented{number}.png"
        Image.fromarray(picture).save(target)
        size += target.stat().st_size
    return size


def _documented_grey(frame: np.ndarray, ds: pydicom.Dataset) -> np.ndarray:
    values = apply_voi_lut(apply_modality_lut(frame, ds), ds)
    values = values.astype(np.float64)
    values = (values - values.min()) / max(values.max() - values.min(), 1) * 255
    if ds.PhotometricInterpretation == "MONOCHROME1":
        values = 255 - values
    return values.astype(np.uint8)


def _floor(path: Path) -> int:
    """Decode and encode: a grey picture takes the low byte of its values as they are."""
    size = 0
    for frame in read_image_file(path, Limits()).frames():
        size += len(encode_png(frame if frame.dtype == np.uint8 else frame.astype(np.uint8)))
    return size


def _corpus(folder: Path) -> dict[str, Path]:
    """Files of three sizes from real pixels, by kind and transfer syntax."""
    made = {
        "CT uncompressed": _real("explicit_VR-UN.dcm"),
        "DX uncompressed": _dx(),
        "US uncompressed": _us(),
    }
    paths = {kind: _saved(ds, folder, kind) for kind, ds in made.items()}
    syntaxes = {"RLE": RLELossless, "JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}
    for name, syntax in syntaxes.items():
        for kind, ds in (("CT", _real("explicit_VR-UN.dcm")), ("DX", _dx())):
            ds.compress(syntax)
            paths[f"{kind} {name}"] = _saved(ds, folder, f"{kind} {name}")
    for kind in ("CT", "DX"):
        paths[f"{kind} JPEG lossless"] = _jpeg_lossless(made[f"{kind} uncompressed"], folder, kind)
    return paths


def _jpeg_lossless(ds: pydicom.FileDataset, folder: Path, kind: str) -> Path:
    values = ds.pixel_array.view(np.uint16) & ((1 << ds.BitsStored) - 1)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(values, bitspersample=ds.BitsStored)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    return _saved(ds, folder, f"{kind} JPEG lossless")


def _real(name: str) -> pydicom.FileDataset:
    path = get_testdata_file(name, download=False)
    ds = pydicom.dcmread(str(path))
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        ds.decompress()
    return ds


def _dx() -> pydicom.FileDataset:
    """A radiograph of 2500 x 2048: a real one of 1955 x 1841, continued by its mirror image."""
    ds = _real("RG1_UNCI.dcm")
    pixels = ds.pixel_array
    rows, columns = 2500, 2048
    padded = np.pad(pixels, ((0, rows - pixels.shape[0]), (0, columns - pixels.shape[1])), mode="symmetric")
    ds.set_pixel_data(padded, ds.PhotometricInterpretation, ds.BitsStored)
    return ds


def _us() -> pydicom.FileDataset:
    """An ultrasound clip of 100 frames of 240 x 320 in RGB: 30 real ones, repeated."""
    ds = _real("examples_ybr_color.dcm")
    frames = ds.pixel_array
    clip = np.concatenate([frames] * 4)[:100]
    ds.set_pixel_data(clip, "RGB", 8)
    return ds


def _saved(ds: pydicom.FileDataset, folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.dcm"
    if not ds.file_meta.TransferSyntaxUID.is_encapsulated:
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPInstanceUID = generate_uid(entropy_srcs=[kind])
    buffer = io.BytesIO()
    ds.save_as(buffer)
    path.write_bytes(buffer.getvalue())
    return path


if __name__ == "__main__":
    main()
