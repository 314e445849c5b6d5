"""Words that may stay in descriptions: words of radiology, no names."""

import unicodedata
from importlib.resources import files

import pytest

from deidentification.header.descriptor_words import is_descriptor_word, is_phrase
from scripts import make_descriptor_words as script

FILE = files("deidentification.header") / "data" / "descriptor_words.txt"
WORDS = FILE.read_text("utf-8").split("\n")[:-1]
PHRASES = FILE.with_name("descriptor_phrases.txt").read_text("utf-8").split("\n")[:-1]


def test_file_is_the_script_s_output() -> None:
    """The script and the locked version of pydicom reproduce both files, line by line."""
    assert sorted(script.words()) == WORDS
    assert sorted(script.phrases()) == PHRASES


def test_words_are_sorted_and_unique() -> None:
    """The file has one word per line, in order, without duplicates."""
    assert sorted(set(WORDS)) == WORDS
    assert 5000 < len(WORDS) < 10000


def test_words_are_normalized() -> None:
    """Each word has at least two characters, only letters and digits, and is case-folded and composed."""
    for word in WORDS:
        assert word == unicodedata.normalize("NFC", word.casefold())
        assert len(word) >= 2
        assert word.isalnum()


def test_words_with_digits_are_listed_in_the_script() -> None:
    """No word with digits comes from the dictionaries."""
    listed = script.spelled(script.WITH_DIGITS) | script.vertebrae()
    assert listed == {word for word in WORDS if any(letter.isdigit() for letter in word)}


def test_every_word_of_the_file_may_stay() -> None:
    """Every word of the file may stay, in upper case too, as descriptions often are."""
    assert [] == [word for word in WORDS if not is_descriptor_word(word)]
    assert [] == [word for word in WORDS if word.isascii() and not is_descriptor_word(word.upper())]


@pytest.mark.parametrize(
    "word",
    """T1 t2 FLAIR Dwi ADC STIR TSE GRE MPRAGE SWI TOF AX sag COR obl tra axial GD KM contrast kontrast
    nativ arterial portal venous delayed Schädel schaedel SCHAEDEL abdomen Thorax Becken Knie Hüfte hufte
    HUEFTE genou épaule epaule rodilla ginocchio spalla hombro MPR MIP recon lung bone soft tissue AP PA lat
    supine prone mm cm kV Fuß FUSS brain chest spine LWS HWS left right links gauche izquierda FDG SUV
    mammography tomosynthesis CHEST Angio localizer Scout topogram routine stroke cardiac perfusion
    pneumothorax metastasis xray matter axis hand foot head Kopf L5 C7 Th12 3D 4ch
    Doppler Hounsfield rao lao sat""".split(),
)
def test_words_of_radiology_stay(word: str) -> None:
    """Words for sequence, plane, body part, contrast and view stay, in five languages."""
    assert is_descriptor_word(word)


@pytest.mark.parametrize(
    "word",
    """Smith Johnson BROWN Maria John james Mary Müller Mueller Muller Schmidt Schröder Weiß Weiss Weber
    Fischer Meyer Becker Dupont Martin Lefèvre Lefevre García Garcia Martínez Rossi Bianchi Yilmaz Şahin Sahin
    Wang Zhang Chen Patel Singh Kumar Nguyen Novak Young King Hill Rose Wood Green Crystal Iris Violet Mark
    Frank Max Gene Rod Son Klein Lang Schwarz Petit Blanc Mehmet Ayşe Jean Pierre Giuseppe José Jose Priya
    Parkinson Hodgkin Fallot Willis Boyd Bruce Kennedy Simpson Mayo Stanford Boston Berlin Paris hospital
    Klinik university January march MAY Sept Oct December Mar Monday Sun Montag août aout enero Xyz Kowalczyk
    Doe Hofstetter Ng""".split(),
)
def test_names_are_removed(word: str) -> None:
    """Names of people, places, months and weekdays are removed, and so is any word not listed."""
    assert not is_descriptor_word(word)


@pytest.mark.parametrize(
    "word",
    """7 12 120 999 3mm 0.625mm 1,25mm 5cm 120kV 80kVp 250mAs 1.5T 3T T1w t2w T2star 0.75 1.5 3.0 256x256
    1x1x1mm 30s 70keV b30f B31s Br40 Bl57d Hr38 Qr40 b800 L R X C T""".split(),
)
def test_numbers_and_values_stay(word: str) -> None:
    """Numbers of up to three digits, values with units, kernels, and the letters of sides and spine stay."""
    assert is_descriptor_word(word)


@pytest.mark.parametrize(
    "word",
    """1965 12345 1965mm 20040119 120365kv T2024 b1000 1234x1 12.03 12.03.65 01/02/03 12-03-65 1.2.840 M12 65y
    65J A1234 00:12 ٣ ²  +49 J S a""".split(),
)
def test_numbers_that_may_identify_are_removed(word: str) -> None:
    """Four digits in a row, dates, ages, identifiers and initials are removed."""
    assert not is_descriptor_word(word)


@pytest.mark.parametrize("word", ["", " ", "t1 smith", "t1\n", "abdomen,", "5 ", "x-ray"])
def test_only_single_words_are_allowed(word: str) -> None:
    """A text with anything besides one word is not allowed."""
    assert not is_descriptor_word(word)


def test_decomposed_letters_are_composed() -> None:
    """A word may have its accents as separate combining characters."""
    assert is_descriptor_word(unicodedata.normalize("NFD", "Schädel"))


def test_exceptions_are_names_of_the_lists() -> None:
    """Each exception is in the name lists, which have at least 300 given names and 300 surnames."""
    names = [script.GIVEN_NAMES, script.SURNAMES, script.EPONYMS, script.PLACES, script.CALENDAR]
    spelled = set().union(*(script.spelled(text) for text in names))
    assert set() == script.spelled(script.KEPT) - spelled
    assert all(len(script.spelled(text)) >= 300 for text in (script.GIVEN_NAMES, script.SURNAMES))
    assert set() == script.names() & set(WORDS)


def test_common_surnames_stay_in_phrases_only() -> None:
    """No surname of one person in 50,000 stays alone, but for body parts and abbreviations."""
    surnames = set(script.CENSUS_SURNAMES.split())
    assert 7500 == len(surnames)
    assert set(script.ALONE.split()) >= surnames & set(WORDS)
    assert len(script.ALONE.split()) < 25
    assert [] == [line for line in PHRASES if surnames.isdisjoint(line.split())]


@pytest.mark.parametrize(
    "word", "white gray grey long short black stone dixon ray cross wall small branch case".split()
)
def test_surnames_do_not_stay_alone(word: str) -> None:
    """A common surname does not stay beside a word with which it is no phrase."""
    assert not is_descriptor_word(word)
    for words in ([word], ["chest", word], [word, "chest", "ct"]):
        assert not is_phrase(words, words.index(word)) or f"chest {word}" in PHRASES


@pytest.mark.parametrize(
    "phrase",
    [
        *(
            "white matter",
            "gray matter",
            "grey matter",
            "long axis",
            "short axis",
            "black blood",
            "bright blood",
        ),
        *("chest wall", "stone protocol", "kidney stone", "aortic root", "low dose", "high resolution"),
        *("free breathing", "fine needle", "key images", "x ray", "t1 dixon", "power doppler", "nerve root"),
        *("blood pool", "small bowel", "early arterial", "fast spin", "rib cage"),
    ],
)
def test_phrases_of_radiology_stay(phrase: str) -> None:
    """Both words of a phrase stay."""
    words = phrase.split()
    assert all(is_descriptor_word(word) or is_phrase(words, index) for index, word in enumerate(words))
