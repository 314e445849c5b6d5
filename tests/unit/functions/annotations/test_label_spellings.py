"""Names of columns, values and labels as public data sets, spreadsheets and keyboards write them."""

from pathlib import Path

import pytest

from common.errors import PermanentError
from functions.annotations.formats.label_value import label_value
from functions.annotations.formats.tables.label_list import listed_labels
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary
from tests.support.label_files import IMAGE, UID, label_values, read

COMPOSED, DECOMPOSED = "\u00c9panchement", "E\u0301panchement"
PADCHEST = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,Projection,Pediatric,"
    "Modality_DICOM,Rows_DICOM,ExposureTime,ReportID,Report,MethodLabel,Labels,Localizations,labelCUIS"
)


@pytest.mark.parametrize(
    "name", ["rad_id", "reader", "rater", "Reader ID", "radiologist", "annotatorId", "reviewer", "observer"]
)
def test_names_of_the_annotator(name: str) -> None:
    """Readers who differ are annotators of their own, in long and wide tables."""
    for text in (
        f"image,label,value,{name}\n{IMAGE},mass,1,R1\n{IMAGE},mass,0,R2\n",
        f"image,mass,{name}\n{IMAGE},1,R1\n{IMAGE},0,R2\n",
        f"image_id,class_name,{name}\n{IMAGE},mass,R1\n{IMAGE},mass,R2\n",
    ):
        _, rows, refused = read(text)
        assert [] == refused
        assert [("mass", "R1"), ("mass", "R2")] == [(row.label, row.annotator) for row in rows]


@pytest.mark.parametrize("name", ["dicom_id", "patientId", "ImageID", "image_id"])
def test_names_of_the_image(name: str) -> None:
    """MIMIC-CXR, RSNA, PadChest and VinDr-CXR name the column of images differently."""
    assert [(2, "mass", 1.0)] == label_values(f"{name},label,value\n{IMAGE},mass,1\n")
    assert [(2, "mass", 1.0)] == label_values(f"{name};mass\n{IMAGE};1\n")


def test_patient_id_beside_an_image_is_ignored() -> None:
    """Only where nothing else names an image is `patientId` its name."""
    assert [(2, "mass", 1.0)] == label_values(f"patientId,image,label,value\n7,{IMAGE},mass,1\n")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *(("yes", 1.0), ("TRUE", 1.0), ("True", 1.0), ("present", 1.0), ("WAHR", 1.0), ("ja", 1.0)),
        *(
            ("no", 0.0),
            ("FALSE", 0.0),
            ("absent", 0.0),
            ("FALSCH", 0.0),
            (" Nein ", 0.0),
            ("uncertain", -1.0),
        ),
    ],
)
def test_words_for_values(cell: str, value: float) -> None:
    """Words for true and false, as spreadsheets and databases write them, are 1 and 0."""
    assert value == label_value(cell)
    assert [(2, "mass", value)] == label_values(f"image,label,value\n{IMAGE},mass,{cell}\n")


def test_json_truth_values() -> None:
    """True and false of JSON are 1 and 0."""
    line = '{{"image": "{}", "label": "{}", "value": {}}}'
    text = "\n".join([line.format(IMAGE, "a", "true"), line.format(IMAGE, "b", "false")])
    assert [(1, "a", 1.0), (2, "b", 0.0)] == label_values(text)


def test_a_label_without_a_value_is_present() -> None:
    """In a table of images and labels, a named label is 1, and says nothing about others."""
    _, rows, refused = read(f"image,label\n{IMAGE},mass\n{IMAGE},nodule\n{UID}/2.png,mass|edema\n")
    assert [] == refused
    assert [(2, "mass"), (3, "nodule"), (4, "mass"), (4, "edema")] == [(row.line, row.label) for row in rows]
    assert {(1.0, None)} == {(row.value, row.control) for row in rows}


@pytest.mark.parametrize("cell", ["1", "0", "-1", "0.5", "TRUE", "no", "14", "3,5"])
def test_a_value_is_no_label(cell: str) -> None:
    """`image,label` with 0 and 1 is a table of values without the name of their label: refused row by row."""
    _, rows, refused = read(f'image,label\n{IMAGE},"{cell}"\n{IMAGE},mass\n')
    assert (["mass"], [2]) == ([row.label for row in rows], [row.line for row in refused])
    assert "label is a value" in refused[0].cause


def test_padchest() -> None:
    """Lists of labels are complete answers; PadChest's other columns are not read."""
    first = f"0,{IMAGE},0,20140915,7,8,1930,F,L,No,CR,4020,10,9,texto,Physician"
    text = (
        f"{PADCHEST}\n{first},\"['mass', ' pleural effusion', '']\",\"['loc right']\",\"['C1']\"\n"
        f"{first.replace('/1.png', '/2.png')},[],[],[]\n"
    )
    _, rows, refused = read(text)
    assert [] == refused
    assert [
        *((2, "mass", 1.0), (2, "pleural effusion", 1.0), (2, None, 0.0), (3, None, 0.0)),
    ] == [(row.line, row.label, row.value) for row in rows]
    assert {"Labels"} == {row.control for row in rows}


def test_lists_with_a_vocabulary() -> None:
    """Labels that the vocabulary lists for the control `Labels` and that are not in the list are absent."""
    vocabulary = Vocabulary(frozenset({"mass", "edema"}), {"Labels": ("mass", "edema")})
    assert {(2, "mass", 1.0), (2, "edema", 0.0)} == set(
        label_values(f'image,labels\n{IMAGE},"[""mass""]"\n', vocabulary)
    )


@pytest.mark.parametrize("cell", ["[mass]", "['mass'", "['a' 'b']", "['a',, 'b']", "[['a']]", "['a\\'b']"])
def test_other_lists_are_refused(cell: str) -> None:
    """A cell that begins like a list and is none is no label."""
    _, rows, refused = read(f'image,label\n{IMAGE},"{cell}"\n')
    assert ([], [2]) == (rows, [row.line for row in refused])


def test_a_long_list_is_read_in_linear_time() -> None:
    """Reading a list, or what looks like one, does not try its parts again and again."""
    names = [f"label {number}" for number in range(20_000)]
    assert (names, True) == listed_labels(str(names))
    _, rows, refused = read(f'image,label\n{IMAGE},"{str(names)[:-1]}!"\n', size=100_000)
    assert ([], 1) == (rows, len(refused))


@pytest.mark.parametrize("header", ["image,label,fold", "image,value", "image,label,Edema"])
def test_other_columns_beside_labels_refuse_the_table(header: str) -> None:
    """A table without values has no unknown columns either."""
    with pytest.raises(PermanentError):
        read(f"{header}\n{IMAGE},mass,1\n")


def test_boxes_of_vindr_refuse_the_table() -> None:
    """Known names of columns are in the cause, because they name no patient."""
    header = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,Mustermann"
    with pytest.raises(PermanentError) as caught:
        read(f"{header}\n{IMAGE},mass,3,R1,1,2,3,4\n")
    assert "number 3 (class_id), 5 (x_min), 6 (y_min), 7 (x_max), 8." in str(caught.value)


def test_composed_and_decomposed_letters_are_one_label(tmp_path: Path) -> None:
    """É is one label and one annotator, whether a keyboard wrote one character or two, in every form."""
    path = tmp_path / "labels.toml"
    for known, given in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        path.write_text(f'[controls]\nfinding = ["{known}"]\n')
        vocabulary = read_vocabulary(path)
        assert {COMPOSED} == vocabulary.labels == set(vocabulary.offered(""))
        for text in (
            f"image,label,value,annotator\n{IMAGE},{given},1,Ren{given[-1]}e\u0301\n",
            f"image,{given}\n{IMAGE},0.5\n",
            f"Image Index,Finding Labels\n{IMAGE},{given}\n",
            f'{{"image": "{IMAGE}", "label": "{given}", "value": 1}}',
        ):
            _, rows, refused = read(text, vocabulary)
            assert ([], {COMPOSED}) == (refused, {row.label for row in rows if row.label})
    _, rows, _ = read(f"image,label,value,annotator\n{IMAGE},a,1,Ren\u00e9\n{IMAGE},b,1,Rene\u0301\n")
    assert {"Ren\u00e9"} == {row.annotator for row in rows}
