"""No label, annotator or name of an image in a label file brings a patient's words into the database."""

import json
from random import Random
from uuid import UUID

import pytest
from pydicom.uid import generate_uid

from deidentification.pseudonym import Pseudonyms
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.names.label_words import LABEL_WORDS, is_known_label
from functions.annotations.names.pseudonym_form import is_pseudonymous_patient, is_pseudonymous_uid
from tests.support.factories import KEY
from tests.support.label_files import IMAGE, UID, label_values, read
from tests.support.repository import ROOT
from tests.support.uids import uid

PATIENT = "P0123456789abcdef0123"
WORDS = [
    "Mustermann",
    "Jane Doe",
    "Doe^Jane",
    "DOE_JANE",
    "Müller fracture",
    "fracture of White",
    "St. Mary",
    "王小明",
]
OTHERS = [
    *(
        "JD",
        "fracture jd",
        "Xu Li",
        "rao xu",
        "Mr. Hand",
        "dr. kiefer",
        "Mrs.Foot",
        "mass f 97",
        "97 yo mass",
    ),
    *(
        "mass of 101 year old",
        "12 mass 34 mass 56",
        "1 mass 2 mass 3 mass 4 mass 5",
        "L1 mass 2 T3 nodule 45",
    ),
]
NUMBERS = [
    *(
        "123-456-789",
        "12 345 678",
        "12345",
        "1 2 3 4 5",
        "12 a 34 b 56",
        "\u0661\u0662\u0663\u0664\u0665",
        "1CT1",
    ),
    *("1934-05-01", "1.5.34", "01/05/1934", "5 May 1934", "19340501", "97 year old female", "AB12CD34"),
    *("1.2.840.113619.2.1", "jane@doe.example", "+49 30 1234567"),
]
PUBLIC = """No Finding;Enlarged Cardiomediastinum;Cardiomegaly;Lung Opacity;Lung Lesion;Edema;Consolidation
Pneumonia;Atelectasis;Pneumothorax;Pleural Effusion;Pleural Other;Fracture;Support Devices
Infiltration;Mass;Nodule;Emphysema;Fibrosis;Pleural_Thickening;Hernia;Aortic enlargement
Calcification;Clavicle fracture;ILD;Rib fracture;Tuberculosis;epidural;intraparenchymal
intraventricular;subarachnoid;subdural;any;abnormal;normal;benign;malignant;BI-RADS 4;Covid-19
Enlarged PA;Lung cavity;Lung cyst;Mediastinal shift;Nodule/Mass;Pleural thickening;COPD;Other diseases
Pulmonary fibrosis;Other lesion;Lung tumor;No finding
MR head;MRS;50 yo;mass in f 45;pT;PE;TB;OK;AP/PA;T10-T12;room 12;L
Contrast agent;PA;Lateral view;Lung/Left;Bone;Erguss, links;label 0;finding 17;L4/L5"""


@pytest.mark.parametrize("label", [*WORDS, *OTHERS, *NUMBERS])
@pytest.mark.parametrize("form", ["long", "wide", "findings", "json", "tasks"])
def test_a_label_with_words_of_a_patient_is_refused(label: str, form: str) -> None:
    """Without a vocabulary, names, ids, dates, ages, UIDs and addresses are refused in every form."""
    task = {
        "project": 1,
        "data": {"image": UID},
        "annotations": [{"completed_by": 1, "result": [{"type": "choices", "value": {"choices": [label]}}]}],
    }
    text = {
        "long": f'image,label,value\n{IMAGE},"{label}",1\n',
        "wide": f'image,"{label}"\n{IMAGE},1\n',
        "findings": f'Image Index,Finding Labels\n{IMAGE},"{label}"\n',
        "json": json.dumps({"image": IMAGE, "label": label, "value": 1}),
        "tasks": json.dumps([task]),
    }[form]
    _, rows, refused = read(text)
    assert [] == [row.label for row in rows if row.label is not None]
    assert 1 == len(refused)
    assert label not in refused[0].cause


@pytest.mark.parametrize("label", [*WORDS, *NUMBERS])
def test_a_vocabulary_allows_its_own_labels_only(label: str) -> None:
    """A vocabulary, which a person has written, decides alone."""
    text = f'image,label,value\n{IMAGE},"{label}",1\n'
    assert [(2, label, 1.0)] == label_values(text, Vocabulary(frozenset({label})))
    assert [] == read(text, Vocabulary(frozenset({"fracture"})))[1]


@pytest.mark.parametrize("label", PUBLIC.replace("\n", ";").split(";"))
def test_labels_of_public_data_sets_need_no_vocabulary(label: str) -> None:
    """Labels that consist of words of radiology and of findings are accepted."""
    assert [(2, label, 1.0)] == label_values(f'image,label,value\n{IMAGE},"{label}",1\n')


def test_words_of_labels_are_no_names() -> None:
    """No word that labels have beside those of headers is a common surname, a given name or a place."""
    folder = ROOT / "scripts" / "descriptor_words"
    for name in ("census_surnames", "given_names", "surnames", "places", "calendar"):
        names = set((folder / f"{name}.txt").read_text(encoding="utf-8").lower().split())
        assert set() == LABEL_WORDS & names, name


def test_common_surnames_are_no_labels() -> None:
    """Of the 7,500 commonest surnames 35 pass alone (body parts, two letters), none with a given name."""
    file = ROOT / "scripts" / "descriptor_words" / "census_surnames.txt"
    surnames = file.read_text(encoding="utf-8").split()
    assert 7500 == len(surnames)
    assert [] == [name for name in surnames if is_known_label(f"{name} jane")]
    alone = [name for name in surnames if is_known_label(name)]
    assert len(alone) <= 35
    assert {name for name in alone if len(name) > 2} <= set(
        "blood bone cheek chin colon hair hand head kiefer lower palm post rao shin testa tse zahn".split()
    )


@pytest.mark.parametrize(
    "annotator",
    ["MRN 4711", "patient 4711", "Jane born 34", "Müller geb. 34", "Doe Jane f 97y", "jane\uff20doe.de"],
)
def test_an_annotator_that_looks_like_a_patient_is_refused(annotator: str) -> None:
    """Words before an id or a birth, and ages over 89, are not those of annotators."""
    _, rows, refused = read(f'image,label,value,annotator\n{IMAGE},mass,1,"{annotator}"\n')
    assert ([], 1) == (rows, len(refused))
    assert annotator not in refused[0].cause


@pytest.mark.parametrize("annotator", ["Doe^Jane", *NUMBERS[:6], *NUMBERS[7:10], "19340501", *NUMBERS[14:]])
def test_an_annotator_that_looks_like_an_identifier_is_refused(annotator: str) -> None:
    """Ids, dates, UIDs, DICOM names and addresses are no names of annotators."""
    _, rows, refused = read(f'image,label,value,annotator\n{IMAGE},mass,1,"{annotator}"\n')
    assert ([], 1) == (rows, len(refused))
    assert annotator not in refused[0].cause


@pytest.mark.parametrize(
    "annotator",
    ["reader 1", "Dr. A", "model 1.2.3", "17", "Anna Müller", "Patrick Born-Holm", "model 97", ""],
)
def test_names_and_numbers_of_annotators_are_accepted(annotator: str) -> None:
    """An annotator is a person or a program, of any name."""
    _, rows, refused = read(f'image,label,value,annotator\n{IMAGE},mass,1,"{annotator}"\n')
    assert ([annotator], []) == ([row.annotator for row in rows], refused)


@pytest.mark.parametrize(
    ("completed_by", "project", "is_accepted"),
    [
        (123456, 7, True),
        ({"id": 123456, "email": "x@y"}, "7", True),
        ("123456", 7, False),
        ({"email": "jane@doe.example"}, 7, False),
        (1, "Doe Jane", False),
        (1, "1934-05-01", False),
    ],
)
def test_annotators_and_projects_of_label_studio(
    completed_by: object, project: object, is_accepted: bool
) -> None:
    """Label Studio's own numbers are accepted; text in their place is not."""
    result = {"type": "choices", "value": {"choices": ["mass"]}}
    annotation = {"completed_by": completed_by, "result": [result]}
    _, rows, refused = read(
        json.dumps([{"project": project, "data": {"image": UID}, "annotations": [annotation]}])
    )
    assert (is_accepted, not is_accepted) == (bool(rows), bool(refused))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "1.2.840.113619.2.55.3/1.png",
            "1.2.840.113619.2.55.3",
            f"2.25.{UUID(int=7**45, version=4).int}/1.png",
            "2.25.9/1.png",
        ),
        *(
            f"Doe Jane/{UID}/1.png",
            f"1934-05-01/{uid(1)}/{uid(2)}/{UID}/1.png",
            f"{PATIENT}/1.2.3/{uid(2)}/{IMAGE}",
        ),
        *(f"{PATIENT.upper()}/{uid(1)}/{uid(2)}/{IMAGE}", f"Doe Jane/{uid(2)}/{IMAGE}"),
    ],
)
def test_a_name_with_an_original_uid_or_another_folder_is_refused(name: str) -> None:
    """Only pseudonyms may wait for their image; another UID or folder may name a patient."""
    for level in ("image", "instance", "series", "study"):
        _, rows, refused = read(f'image,level,label,value\n"{name}",{level},mass,1\n')
        is_pseudonym_at_the_end = level != "image" and is_pseudonymous_uid(name.rpartition("/")[2])
        assert (is_pseudonym_at_the_end, not is_pseudonym_at_the_end) == (bool(rows), bool(refused))
        assert all(name not in row.cause for row in refused)


def test_server_and_bucket_are_not_part_of_a_stored_name() -> None:
    """Whatever is before a complete key, its query, and folders of a group are dropped."""
    key = f"{PATIENT}/{uid(1)}/{uid(2)}/{IMAGE}"
    _, rows, _ = read(f'image,label,value\n"https://h/Doe/Jane/{key}?p=Doe",mass,1\n')
    assert [key] == [row.image.path for row in rows]
    _, rows, _ = read(f"image,level,label,value\nDoe/{uid(1)},study,mass,1\n")
    assert ["Doe" in str(row) for row in rows] == [False]


def test_pseudonyms_are_told_from_original_uids() -> None:
    """Every UID that extract makes has the form of pseudonyms; none that devices make has it."""
    pseudonyms = Pseudonyms(KEY)
    made = [pseudonyms.uid(f"1.2.3.{number}") for number in range(2000)]
    assert all(map(is_pseudonymous_uid, made))
    assert len({*made}) == len(made)
    assert is_pseudonymous_patient(pseudonyms.patient("1", "", ""))
    bits = Random(1).getrandbits
    versions = [version for version in (1, 2, 3, 4, 5) for _ in range(400)]
    originals = [f"2.25.{UUID(int=bits(128), version=version).int}" for version in versions]
    originals += [generate_uid(entropy_srcs=[str(number)]) for number in range(500)]
    originals += ["2.25.0", f"2.25.0{uid(1)[5:]}", f"2.25.{(1 << 128) + (8 << 76) + (2 << 62)}", "2.25.", ""]
    assert not any(map(is_pseudonymous_uid, originals))
