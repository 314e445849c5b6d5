"""The one spelling of a label's or annotator's name, wherever it was typed."""

import unicodedata


def label_name(text: str) -> str:
    """A name as it is stored and compared: NFC (UAX #15), without spaces around it.

    macOS and some spreadsheets write É as E and an accent; both spellings are one name.
    """
    return unicodedata.normalize("NFC", text.replace("\u00a0", " ")).strip()
