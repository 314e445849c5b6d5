"""Digests of everything that extract makes of a file, to compare between processes."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from deidentification.profile import Profile
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import Rules
from imaging.options import PictureRules
from tests.support.factories import KEY, LIMITS


def prepared_digests(source: Path) -> dict[str, str]:
    """SHA-256 of each output of a file, its patient's pseudonym and its content digest."""
    prepare = InstancePreparer(Rules(KEY, LIMITS, PictureRules(), Profile(), hold_burned_in_text=False))
    with TemporaryDirectory() as folder:
        prepared = prepare(source, Path(folder), heartbeat=lambda: None)
        pictures = b"".join(frame.read() for frame in prepared.frames)
        outputs = {
            "dicom": read_output(prepared.dicom),
            "document": prepared.document.to_json(),
            "pictures": pictures,
        }
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in outputs.items()}
    return digests | {"patient": prepared.path.patient, "content": prepared.content_digest}
