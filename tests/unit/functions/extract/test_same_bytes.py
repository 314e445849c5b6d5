"""The same file gives the same bytes and the same pseudonym, whichever process prepares it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deidentification.profile import Profile
from functions.extract.output_space import read_kept
from functions.extract.prepared_instance import InstancePreparer, Rules
from imaging.rendering.picture_recipe import PictureRules
from tests.support.factories import KEY, LIMITS, make_dataset, real_path, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ROOT = Path(__file__).parents[4]
FILES = """CT_small MR_small MR_small_implicit MR_small_bigendian JPEG2000 examples_palette
    examples_ybr_color emri_small_jpeg_2k_lossless liver rtdose SC_rgb_rle_2frame image_dfl""".split()
# What a fresh process runs.
PROGRAM = """
import json, sys
from pathlib import Path
from tests.unit.functions.extract.test_same_bytes import told
print(json.dumps([told(Path(path)) for path in sys.argv[1:]]))
"""


def told(source: Path) -> dict[str, str]:
    """Digests of all that a file becomes, and its patient's pseudonym."""
    prepare = InstancePreparer(Rules(KEY, LIMITS, PictureRules(), Profile(), hold_burned_in_text=False))
    with TemporaryDirectory() as folder:
        prepared = prepare(source, Path(folder), releases=0, heartbeat=lambda: None)
        pictures = b"".join(frame.read() for frame in prepared.frames)
        outputs = {
            "dicom": read_kept(prepared.dicom),
            "document": prepared.document.to_json(),
            "pictures": pictures,
        }
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in outputs.items()}
    return digests | {"patient": prepared.path.patient, "content": prepared.content_digest}


def _told_elsewhere(paths: list[Path], *, seed: int) -> list[dict[str, str]]:
    """What a fresh process tells, whose sets and dictionaries lie in another order."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, paths)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    answer: list[dict[str, str]] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Real files of many kinds, and two of one patient that differ in all else."""
    folder = tmp_path_factory.mktemp("same")
    pair = []
    for number in (1, 2):
        ds = make_dataset(name=f"{FILES[number - 1]}.dcm", PatientID="SAME-1", IssuerOfPatientID="Ward")
        path = folder / f"{number}.dcm"
        path.write_bytes(to_bytes(ds))
        pair.append(path)
    return [*(real_path(f"{name}.dcm") for name in FILES), *pair]


@pytest.mark.parametrize("seed", [1, 20_26])
def test_every_process_makes_the_same_bytes(paths: list[Path], seed: int) -> None:
    """The de-identified file, the metadata document and the PNGs are the same, and so are pseudonyms."""
    here = [told(path) for path in paths]
    assert here == _told_elsewhere(paths, seed=seed)
    assert here[-1]["patient"] == here[-2]["patient"]
    assert len(FILES) < len({one["dicom"] for one in here})
