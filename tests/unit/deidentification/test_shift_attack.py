"""The attack on the date shift: the shifts that are left to someone who knows when patients are examined."""

import random
from datetime import date, timedelta
from functools import cache

import pytest

from deidentification.pseudonym import MAX_SHIFT_DAYS, MIN_SHIFT_DAYS, Pseudonyms
from tests.support.factories import KEY

TODAY = date(2026, 11, 28)
SHIFTS = range(MIN_SHIFT_DAYS, MAX_SHIFT_DAYS + 1)
YEAR = 366
MIN_CANDIDATES = 1000
PATIENTS = 40


def easter(year: int) -> date:
    """Easter Sunday, by the Gregorian computus of Meeus, Jones and Butcher."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    last = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * last) // 433
    month = (h + last - 7 * m + 90) // 25
    return date(year, month, (h + last - 7 * m + 33 * month + 19) % 32)


@cache
def is_closed(day: date) -> bool:
    """Whether a department makes no appointments: weekends and the holidays of Germany."""
    fixed = {(1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31)}
    return (
        day.weekday() > 4 or (day.month, day.day) in fixed or (day - easter(day.year)).days in {-2, 1, 39, 50}
    )


def visits(chance: random.Random, number: int) -> list[date]:
    """Days of examinations within three years, the last one at most a year ago."""
    end = TODAY - timedelta(days=chance.randrange(365))
    days = [day for day in (end - timedelta(days=back) for back in range(3 * 365)) if not is_closed(day)]
    return chance.sample(days, number)


def candidates(shifted: list[date], shifts: range) -> list[int]:
    """The attack: shifts by which all examinations were on working days."""
    return [days for days in shifts if not any(is_closed(day + timedelta(days=days)) for day in shifted)]


def fewest(number: int, shifts: range, *, patients: int = PATIENTS) -> int:
    """The candidates of the patient who has the fewest, if each shift is equally frequent."""
    chance, found = random.Random(19), []
    for _ in range(patients):
        days = chance.choice(shifts)
        shifted = [day - timedelta(days=days) for day in visits(chance, number)]
        left = candidates(shifted, shifts)
        assert days in left
        found.append(len(left))
    return min(found)


def test_easter_is_right() -> None:
    """The calendar of the attack has the published dates of Easter."""
    assert [date(2000, 4, 23), date(2019, 4, 21), date(2026, 4, 5)] == [easter(y) for y in (2000, 2019, 2026)]


@pytest.mark.parametrize("number", [1, 2, 4, 12])
def test_known_working_days_leave_a_thousand_shifts(number: int) -> None:
    """An attacker who knows that up to twelve examinations were on working days has over 1,000 candidates."""
    assert fewest(number, SHIFTS) >= MIN_CANDIDATES


def test_ten_years_were_too_few() -> None:
    """The same attack left about 300 candidates of the 3,650 days that were used before."""
    assert 250 < fewest(12, range(1, 3651)) < 400


def test_complete_weeks_would_help_the_attacker() -> None:
    """Complete weeks leave fewer candidates for patients with few examinations, and no more for others."""
    weeks = range(371, MAX_SHIFT_DAYS + 1, 7)
    assert fewest(1, SHIFTS, patients=10) > 4 * fewest(1, weeks, patients=10)
    assert fewest(12, SHIFTS) > 0.9 * fewest(12, weeks)


def test_no_date_stays_within_a_year() -> None:
    """Every patient's dates move by more than a year, so that no season of a study stays in place."""
    pseudonyms, day = Pseudonyms(KEY), date(2020, 2, 29)
    shifts = [(day - pseudonyms.shifted(day, f"P{number}")).days for number in range(3000)]
    assert YEAR <= MIN_SHIFT_DAYS <= min(shifts)
    assert max(shifts) <= MAX_SHIFT_DAYS
    # Evenly: a tenth of the range has a tenth of the patients, within four standard deviations.
    tenths = [0] * 10
    for days in shifts:
        tenths[(days - MIN_SHIFT_DAYS) * 10 // len(SHIFTS)] += 1
    assert all(234 <= number <= 366 for number in tenths)
