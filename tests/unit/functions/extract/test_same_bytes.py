"""The same file gives the same bytes and the same pseudonym in every process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.factories import make_dataset, real_path, to_bytes
from tests.support.prepared_digests import prepared_digests
from tests.support.repository import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

FILES = """CT_small MR_small MR_small_implicit MR_small_bigendian JPEG2000 examples_palette
    examples_ybr_color emri_small_jpeg_2k_lossless liver rtdose SC_rgb_rle_2frame image_dfl""".split()
# The program of another process.
PROGRAM = """
import json, sys
from pathlib import Path
from tests.support.prepared_digests import prepared_digests
print(json.dumps([prepared_digests(Path(path)) for path in sys.argv[1:]]))
"""


def _digests_elsewhere(paths: list[Path], *, seed: int) -> list[dict[str, str]]:
    """The digests computed by another process, where hashes and so the order of sets are different."""
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
    """Real files of many kinds, and two of the same patient that are otherwise different."""
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
    """De-identified file, metadata document, PNGs and pseudonyms are the same."""
    here = [prepared_digests(path) for path in paths]
    assert here == _digests_elsewhere(paths, seed=seed)
    assert here[-1]["patient"] == here[-2]["patient"]
    assert len(FILES) < len({one["dicom"] for one in here})
