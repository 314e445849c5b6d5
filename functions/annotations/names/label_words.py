"""Which labels and annotators may be stored, by their words and numbers.

Without a vocabulary, a label consists of words that may stay in the descriptions of a header, whoever
the patient is (PS3.15 E.3.5), and of the names of findings below. Annotators are persons or programs
of any name, so only what looks like an identifier is refused.
"""

import re
import unicodedata

from deidentification.header.descriptor_words import is_descriptor_word

# The other imports wait for the first label: they load pydicom, which takes half a second.

MOST_DIGITS = 4  # beside one another, as in descriptions
_KNOWN = "image"  # a word of radiology, which stands for a word of labels
# Findings and judgements in the labels of public data sets that the words of headers do not have. None is
# among the surnames of one person in 50,000 or among given names (scripts/descriptor_words).
LABEL_WORDS = frozenset(
    """
    artefacts blurred blurry bronchiectasis cardiomediastinum cavitation clipped confident consolidation
    contusion copd covid cxr deformities degenerative diseases dislocation effusions emphysema empyema
    enlargement erguss erosion fractures haemorrhage haemothorax hernia hydropneumothorax ich ild
    infiltrates intracerebral intraparenchymal lesions microcalcification nodules oedema opacification
    osteoarthritis osteopenia osteophyte osteoporosis overexposed pneumonia pneumonitis pneumoperitoneum
    sarcoidosis spondylosis subdural subluxation tuberculosis tumors tumours underexposed unreadable
    """.split()
)
# Words of two letters in labels, besides those of headers; none is a common name.
_TWO_LETTERS = frozenset(
    "af bg cp fg fn fp gb gg hf hx ic ip lu nk nl nt nv ok pj pu px rb ta tb tg tn tp vc wk wm yo zn".split()
)
_TITLE = re.compile(r"(?<!\w)(mr|mrs|ms|miss|dr|prof)\.\W*\w", re.IGNORECASE)
_OF_PATIENT = re.compile(
    r"(?<![^\W_])(patient|pat|pid|mrn|born|dob|geb|geboren|geburtsdatum|né|née|nacido|nacida)[\W_]{0,4}\d",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+")
_SHORT_WORD = re.compile(r"(?<![^\W_])[A-Za-z]{1,2}(?![^\W_])")  # PA, AP, No: not searched in headers either
_E_MAIL = re.compile(r"[^\s@]@[^\s@]")
_NUMBERS = re.compile(r"\d[\W\d_]*")
_DATE = re.compile(r"(?<!\d)\d{1,4}(\W{1,3})\d{1,2}\1\d{1,4}(?!\d)")


def identifier_in(name: str) -> str | None:
    """What a name has that looks like an identifier, for the cause of a refusal; None if it has nothing."""
    from deidentification.normal_form import spellings

    if _E_MAIL.search(unicodedata.normalize("NFKC", name)):
        return "an e-mail address"
    if "^" in name:
        return "a DICOM name (with ^)"
    for spelled in spellings(name):
        joined = _SHORT_WORD.sub(" ", spelled)
        if any(_digits(numbers) > MOST_DIGITS for numbers in _NUMBERS.findall(joined)):
            return f"more than {MOST_DIGITS} digits beside one another, as an ID or a date has"
        if any(_digits(found[0]) >= MOST_DIGITS for found in _DATE.finditer(joined)):
            return "a date"
    return None


def names_a_patient(annotator: str) -> bool:
    """Whether an annotator has a word and a number as of a patient's id or birth, or an age over 89."""
    from deidentification.header.descriptions import has_old_age

    return bool(_OF_PATIENT.search(annotator)) or has_old_age(annotator)


def is_known_label(label: str) -> bool:
    """Whether every word and number of a label may stay without a vocabulary."""
    from deidentification.header.descriptions import has_old_age, is_harmless

    if _digits(label) > MOST_DIGITS or _TITLE.search(label) or has_old_age(label):
        return False
    text = _SHORT_WORD.sub(lambda found: _known_short(found[0]), label.replace("_", " "))
    return is_harmless(_LETTERS.sub(lambda found: _known(found[0]), text))


def _known_short(word: str) -> str:
    is_known = len(word) == 1 or word.lower() in _TWO_LETTERS or is_descriptor_word(word)
    return _KNOWN if is_known else word


def _known(word: str) -> str:
    return _KNOWN if word.lower() in LABEL_WORDS else word


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))
