"""The messages between extract and its sandbox process: a JSON header, followed by bytes.

JSON and not pickle: the sandbox process reads hostile files, so its answers are not trusted either.
"""

import errno
import os
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from common.errors import (
    DependencyAwayError,
    HoldError,
    NoPictureError,
    PermanentError,
    PipelineError,
    Subject,
    TextBox,
    TextFound,
)
from common.metadata_document import MetadataDocument
from deidentification.pixels.device_rules import DeviceRule
from deidentification.pixels.releases import Releases
from deidentification.profile import Profile
from functions.extract.output_space import Output, Spooled
from functions.extract.prepared_instance import PngFrame, PreparedInstance, Rules
from imaging.options import Limits, PictureRules, Rectangle

_LENGTHS = struct.Struct(">QQ")  # of the header and of the body
_FRAME_VALUES = ("number", "rows", "columns", "samples", "bits", "recipe")
Message = tuple[dict[str, Any], bytes]


class SandboxFaultError(Exception):
    """The sandbox process failed because of an error in dcm2set, not because of the file."""


class OutputsTooLargeError(Exception):
    """The outputs of the file exceed the size that the sandbox process may write."""


class SandboxSetupError(Exception):
    """The kernel offers a protection, but refused to set it."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A message as bytes."""
    text = orjson.dumps(header)
    return _LENGTHS.pack(len(text), len(body)) + text + body


def unpack(read: Callable[[int], bytes]) -> Message:
    """Read one message; `read` returns exactly the requested number of bytes, or raises EOFError."""
    header_length, body_length = _LENGTHS.unpack(read(_LENGTHS.size))
    return orjson.loads(read(header_length)), read(body_length)


def pack_rules(rules: Rules) -> dict[str, Any]:
    """The header of the first message, which has the rules."""
    return {
        "key": rules.pseudonym_key.hex(),
        "limits": asdict(rules.limits),
        "pictures": asdict(rules.pictures),
        "profile": asdict(rules.profile),
        "hold_burned_in_text": rules.hold_burned_in_text,
        "devices": [asdict(device) for device in rules.devices],
        "former_keys": [key.hex() for key in rules.former_keys],
    }


def unpack_rules(header: dict[str, Any]) -> Rules:
    """The rules in the header of the first message."""
    key = bytes.fromhex(header["key"])
    pictures = PictureRules(**header["pictures"])
    profile = Profile(**header["profile"])
    devices = tuple(_device_rule(rule) for rule in header["devices"])
    return Rules(
        key,
        Limits(**header["limits"]),
        pictures,
        profile,
        header["hold_burned_in_text"],
        devices,
        tuple(bytes.fromhex(key) for key in header["former_keys"]),
    )


def _device_rule(rule: dict[str, Any]) -> DeviceRule:
    return DeviceRule(**rule | {"blank": tuple(Rectangle(**rectangle) for rectangle in rule["blank"])})


def unpack_releases(found: dict[str, Any]) -> Releases:
    """What persons decided, in the header of a request."""
    return Releases(found["number"], tuple(Rectangle(**rectangle) for rectangle in found["blank"]))


def pack_prepared(prepared: PreparedInstance) -> bytes:
    """The answer with a file's outputs: the body has those in memory, the header names files of others."""
    outputs = [prepared.dicom, *(frame.png for frame in prepared.frames)]
    header = {
        "content_digest": prepared.content_digest,
        "former_patients": prepared.former_patients,
        "document": prepared.document.model_dump(mode="json"),
        "dicom": _location(prepared.dicom),
        "frames": [
            {name: getattr(frame, name) for name in _FRAME_VALUES} | {"png": _location(frame.png)}
            for frame in prepared.frames
        ],
    }
    return pack(header, b"".join(output for output in outputs if isinstance(output, bytes)))


def _location(output: Output) -> dict[str, Any]:
    if isinstance(output, bytes):
        return {"size": len(output)}
    if isinstance(output, Spooled):
        return {"file": output.path.name, "offset": output.offset, "size": output.size}
    return {"file": output.name}


def pack_error(error: Exception) -> bytes:
    """The answer for a file without outputs; of an unexpected error only the class is named."""
    if isinstance(error, PermanentError | HoldError):
        kind = "hold" if isinstance(error, HoldError) else "permanent"
        header: dict[str, Any] = {"error": kind, "cause": str(error), "next_step": error.next_step}
        if isinstance(error, HoldError) and error.text_found is not None:
            header["text_found"] = asdict(error.text_found)
        return pack(header | {"subject": asdict(error.subject)})
    if isinstance(error, NoPictureError):
        return pack({"error": "no picture", "cause": str(error), "subject": asdict(error.subject)})
    if isinstance(error, SandboxSetupError):
        return pack({"error": "setup", "cause": str(error)})
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return pack({"error": "too large"})
    # A permission is never refused by the temporary folder, but by the sandbox: trying again would not help.
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, PermissionError):
        return pack({"error": "machine", "cause": os.strerror(error.errno)})
    return pack({"error": type(error).__name__})


def unpack_prepared(message: Message, folder: Path) -> PreparedInstance:
    """The outputs in an answer; raises the error in it instead. Files are only opened in `folder`."""
    header, body = message
    if "error" in header:
        error = _error(header)
        if isinstance(error, PipelineError | NoPictureError):
            error.subject = _subject(header.get("subject", {}))
        raise error
    outputs = _Outputs(memoryview(body), folder)
    dicom = outputs.next(header["dicom"])
    frames = [
        PngFrame(png=outputs.next(frame["png"]), **{name: frame[name] for name in _FRAME_VALUES})
        for frame in header["frames"]
    ]
    document = MetadataDocument.model_validate(header["document"])
    former = tuple(header["former_patients"])
    return PreparedInstance(header["content_digest"], dicom, document, frames, former)


def _subject(found: dict[str, Any]) -> Subject:
    return Subject(**{**found, "former_patients": tuple(found.get("former_patients", ()))})


def _text_found(found: dict[str, Any] | None) -> TextFound | None:
    if found is None:
        return None
    return TextFound(found["finding"], tuple(TextBox(**box) for box in found["boxes"]))


class _Outputs:
    """The outputs of an answer, in the order of its header."""

    def __init__(self, body: memoryview, folder: Path) -> None:
        self._body = body
        self._folder = folder

    def next(self, location: dict[str, Any]) -> Output:
        if "file" in location:
            path = self._folder / Path(location["file"]).name
            return Spooled(path, location["offset"], location["size"]) if "offset" in location else path
        size = location["size"]
        output, self._body = bytes(self._body[:size]), self._body[size:]
        return output


def _error(header: dict[str, Any]) -> Exception:
    kind = header["error"]
    if kind == "permanent":
        return PermanentError(header["cause"], header["next_step"])
    if kind == "hold":
        return HoldError(header["cause"], header["next_step"], _text_found(header.get("text_found")))
    if kind == "no picture":
        return NoPictureError(header["cause"])
    if kind == "machine":
        return DependencyAwayError(f"The temporary folder can't be used ({header['cause']}); see TMPDIR.")
    if kind == "setup":
        return DependencyAwayError(f"The sandbox can't be set up ({header['cause']}); see dcm2set doctor.")
    if kind == "too large":
        return OutputsTooLargeError()
    if kind == "MemoryError":
        return PermanentError(
            "The file needs more memory than DCM2SET_MEGABYTES_PER_FILE allows.",
            "Raise the setting if the file is right, then replay it.",
        )
    return SandboxFaultError(kind)
