"""Names, dates and numbers as devices write them; none belongs to a real patient."""

import numpy as np

from model.text_detector.fonts.designs import Half

_SURNAMES = {
    Half.TUNING: "Schmidt Jones Garcia Novak Rossi Dubois Kim Lee Petersen Ivanova Yilmaz Oneill Walker "
    "Nguyen Wagner Lopez",
    Half.MEASURED: "Meier Smith Mueller Kowalski Brown Andersson Becker Tanaka Fischer Okafor Johnson "
    "Weber Silva Hoffmann",
}
_GIVEN_NAMES = {
    Half.TUNING: "Maria Peter Laura Karl Sofia Ivan Emma Jun Paul Olga Luis Mark Nina Tom",
    Half.MEASURED: "Anna John Lena Hans Julia Erik Omar Clara David Ruth Max Irene",
}
_CHARACTERS = list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:,/^ ")
_ANY_CHARACTERS = 0.3  # part of the tuning half's texts


def random_text(rng: np.random.Generator, half: Half) -> str:
    """A name, a date or a number; in the tuning half also any characters. At least four of them."""
    surname = str(rng.choice(_SURNAMES[half].split()))
    given = str(rng.choice(_GIVEN_NAMES[half].split()))
    day, month, year = (int(rng.integers(*bounds)) for bounds in ((1, 29), (1, 13), (1925, 2025)))
    digits = "".join(str(digit) for digit in rng.integers(0, 10, 10))
    texts = [
        f"{surname.upper()}^{given.upper()}",
        f"{surname} {given}",
        f"{given} {surname}",
        f"{surname.upper()}, {given.upper()}",
        f"{day:02}.{month:02}.{year}",
        f"{year}-{month:02}-{day:02}",
        f"{month:02}/{day:02}/{year}",
        f"{digits[:4]}-{digits[4:8]}",
        f"ID: {digits[:7]}",
        digits[:6],
    ]
    if half is Half.TUNING and rng.random() < _ANY_CHARACTERS:
        return "".join(rng.choice(_CHARACTERS, int(rng.integers(4, 14)))).strip() or "X1y2"
    return texts[int(rng.integers(len(texts)))]
