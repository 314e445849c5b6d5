"""Identifying words of a file that are anywhere in what left of it."""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from benchmarks.support.midi_b.planted_files import PlantedFile
from benchmarks.support.midi_b.score import Output, plain

_WORDS = """family given birth_name physician_family operator id other_id admission insurance phone email
    street city birth accession study_number serial station institution institution_street department
    study_day day_written next_day day_before calibration study_uid series_uid frame_uid sop_uid""".split()
_AT_LEAST = 5  # letters and digits: a shorter word is in many numbers by chance


def words_left(file: PlantedFile, output: Output) -> Iterator[str]:
    """The names of the words that are in a value of the DICOM file or in the metadata document."""
    values = [plain(value) for value in (output.document, *_values(output.dicom))]
    for name in _WORDS:
        word = plain(file.words[name])
        if len(word) >= _AT_LEAST and any(word in value for value in values):
            yield name


def _values(ds: Dataset) -> Iterator[str]:
    """All values but pixels, with those of sequences and of the file meta information."""
    for element in [*ds.iterall(), *getattr(ds, "file_meta", Dataset())]:
        if element.VR != "SQ" and element.keyword != "PixelData":
            yield str(element.value)
