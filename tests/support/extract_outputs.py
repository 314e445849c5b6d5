"""All outputs of a file that leave raw, as bytes to search for texts of the patient."""

import io
from pathlib import Path

import pydicom

from common.errors import HoldError, NoPictureError, PermanentError
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import Rules
from imaging.frames.image_checks import reading_elements
from imaging.options import PictureRules
from tests.support.factories import KEY, LIMITS, PSEUDONYMS, to_image_file

_PREPARE = InstancePreparer(Rules(KEY, LIMITS, PictureRules(), Profile(), hold_burned_in_text=True))


def prepared_outputs(data: bytes, folder: Path) -> tuple[str, bytes]:
    """Prepare a file: `prepared` and all its outputs, or `refused` and all texts of the error."""
    source = folder / "source.dcm"
    source.write_bytes(data)
    try:
        prepared = _PREPARE(source, folder, heartbeat=lambda: None)
    except (PermanentError, HoldError, NoPictureError) as error:
        return "refused", f"{error} {vars(error)}".encode()
    dicom = read_output(prepared.dicom)
    assert pydicom.dcmread(io.BytesIO(dicom)).pixel_array.size
    outputs = [dicom, prepared.document.to_json(), prepared.path.instance.encode()]
    return "prepared", b"".join([*outputs, *(frame.read() for frame in prepared.frames)])


def text_outputs(data: bytes, folder: Path) -> bytes:
    """The de-identified file and the document, or the error; no pictures, which odd elements may prevent."""
    buffer = io.BytesIO()
    try:
        with reading_elements():
            instance = deidentify(to_image_file(data, folder), PSEUDONYMS, Profile())
            instance.write(buffer)
            return buffer.getvalue() + build_document(instance, rows=128, columns=128, key_id="x").to_json()
    except PermanentError as error:
        return f"{error} {error.next_step}".encode()


def contains(text: str, outputs: bytes) -> bool:
    """Whether outputs contain a text in any case, in UTF-8 or UTF-16."""
    forms = (text.lower().encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
    return any(form in outputs.lower() for form in forms)
