"""Wide tables: which columns are labels, and tables that are refused for other columns."""

import pytest

from common.errors import PermanentError
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary
from functions.annotations.names.bookkeeping import is_bookkeeping
from tests.support.label_files import IMAGE, UID, label_values, read

BOOKKEEPING = [
    *(
        "Unnamed: 0",
        "Unnamed: 0.1",
        "index",
        "id",
        "ID",
        "fold",
        "kfold",
        "fold_0",
        "weight",
        "sample_weight",
    ),
    *(
        "confidence",
        "model_confidence",
        "score",
        "prob",
        "site_id",
        "siteId",
        "machine_id",
        "machine",
        "site",
    ),
    *("class_id", "x_min", "y_min", "x_max", "y_max", "xmin", "Width", "height", "bbox", "x", "y"),
    *(
        "Target",
        "class id",
        "row_num",
        "is_train",
        "source",
        "dataset",
        "report_id",
        "reader_nr",
    ),
    *("lead_time", "annotation_id", "created_at", "mask_name", "mask_path", "SeriesNumber", "year"),
    *("pixel_spacing_mm_x", "has_text", "n_boxes", "annotation_no", "age_group", "visit", "follow_up"),
    *("quality", "rejected", "skip", "is_duplicate", "weight_kg", "flip", "flag", "seed_1", "rank", "order"),
    *("Gender", "race", "scanner", "manufacturer", "status", "duplicate", "count", "md5"),
]
LABELS = """No Finding;Enlarged Cardiomediastinum;Cardiomegaly;Lung Opacity;Lung Lesion;Edema;Consolidation
Pneumonia;Atelectasis;Pneumothorax;Pleural Effusion;Pleural Other;Fracture;Support Devices;Infiltration;Mass
Nodule;Emphysema;Fibrosis;Pleural_Thickening;Hernia;Aortic enlargement;Calcification;Clavicle fracture;ILD
Rib fracture;Tuberculosis;epidural;intraparenchymal;intraventricular;subarachnoid;subdural;any;abnormal;normal
benign;malignant;BI-RADS 4;Covid-19;PA;AP;Lateral;a;b"""


@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_columns_refuse_the_table(name: str) -> None:
    """A column that is known to be something else refuses the table, also if its cells look like labels."""
    assert is_bookkeeping(name)
    with pytest.raises(PermanentError, match=r"columns of the wide table may be no labels: 3") as caught:
        read(f"image,Edema,{name}\n{IMAGE},1,0\n{UID}/2.png,0,1\n")
    assert "DCM2SET_LABEL_COLUMNS" in str(caught.value.next_step)
    assert "DCM2SET_LABEL_VOCABULARY" in str(caught.value.next_step)


@pytest.mark.parametrize("name", LABELS.replace("\n", ";").split(";"))
def test_labels_of_public_data_sets_are_no_bookkeeping(name: str) -> None:
    """Tables whose cells are 1, 0, -1 or blank are read without any setting."""
    assert not is_bookkeeping(name)
    text = f"image,{name}\n{IMAGE},1.0\n{UID}/2.png,-1\n{UID}/3.png,\n{UID}/4.png,0\n"
    assert [(2, name, 1.0), (3, name, -1.0), (5, name, 0.0)] == label_values(text)


@pytest.mark.parametrize("cell", ["0.7", "2", "text", "2026-01-01", "TRUE", "yes", "NaN", "-0.5", "1e-3"])
def test_other_values_refuse_the_table(cell: str) -> None:
    """An unlisted column with any other cell, in the last row too, refuses the table."""
    rows = f"{IMAGE},1,0\n" * 50
    with pytest.raises(PermanentError, match=r": 3 \(mass\)"):
        read(f"image,Edema,mass\n{rows}{IMAGE},1,{cell}\n")
    with pytest.raises(PermanentError, match=r": 3 \(mass\)"):  # also if the image of its row is refused
        read(f"image,Edema,mass\n{rows}no image,1,{cell}\n")


def test_all_columns_are_named_at_once() -> None:
    """The cause has the number of every wrong column, and its name if that can't name a patient."""
    with pytest.raises(PermanentError) as caught:
        read(f"image,fold,Mustermann,Edema,mass\n{IMAGE},1,1,1,1\n{IMAGE},1,0.5,1,1\n{IMAGE},1,1,1,0.5\n")
    assert "no labels: 2 (fold), 3, 5 (mass)." in str(caught.value)


@pytest.mark.parametrize(
    "vocabulary",
    [Vocabulary(frozenset({"weight", "Edema"})), Vocabulary(columns=frozenset({"weight", "Edema"}))],
)
def test_listed_columns_are_labels(vocabulary: Vocabulary) -> None:
    """The vocabulary or the settings make any column a label, with probabilities and words for truth."""
    text = f"image,Edema,weight\n{IMAGE},0.7,yes\n{UID}/2.png,FALSE,0.25\n"
    expected = [(2, "Edema", 0.7), (2, "weight", 1.0), (3, "Edema", 0.0), (3, "weight", 0.25)]
    if vocabulary.columns:  # only the vocabulary makes a label of any word
        text, expected = (part.replace("weight", "mass") for part in (text, str(expected)))
        vocabulary = Vocabulary(columns=frozenset({"mass", "Edema"}))
    assert str(expected) == str(label_values(text, vocabulary))


def test_listed_columns_do_not_allow_others() -> None:
    """A list names labels; a column outside it is judged as if there were none."""
    with pytest.raises(PermanentError, match=r": 3 \(fold\)"):
        read(f"image,Edema,fold\n{IMAGE},0.5,1\n", Vocabulary(columns=frozenset({"Edema"})))


def test_columns_of_the_settings() -> None:
    """The columns in the settings are compared as labels are: without spaces around them, and in NFC."""
    assert read_vocabulary(None, [" E\u0301dema "]).has_column("\u00c9dema")


@pytest.mark.parametrize("rows", ["", f"{IMAGE},1\n"])
def test_bookkeeping_alone(rows: str) -> None:
    """A table of images and folds is no label file, with and without rows."""
    with pytest.raises(PermanentError):
        read(f"image,fold\n{rows}")
