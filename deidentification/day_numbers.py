"""The days that a number may mean: counts of days, hours, minutes or seconds, and calendar codes."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache

_EPOCH = date(1970, 1, 1)
_ZONES = (-14, 0, 14)  # hours from UTC
# By what day 0 is, in days before 1970: of Unix, Excel, Excel for Macintosh, and the modified Julian date.
_FIVE_DIGITS = (0, 25_569, 24_107, 40_587)
_SIX_DIGITS = (719_163, 719_529)  # of the year 1 (proleptic), and of MATLAB
_JULIAN = 2_440_588  # the Julian day of noon of 1970-01-01
# Seconds before 1970 at which other clocks start: 1904, GPS, 2000 and 2001.
_CLOCKS = (-2_082_844_800, 315_964_800, 946_684_800, 978_307_200)
_ROUND = 1000  # a dose or a frequency is a multiple of it; a time in seconds seldom is
_TICKS = ((11_644_473_600, 10**16, 10**18), (62_135_596_800, 10**17, 10**19))  # 1601 and 0001, 100 ns each


def unix_day(day: date) -> int:
    """The number of days since 1970."""
    return (day - _EPOCH) // timedelta(days=1)


def unix_days(number: float) -> frozenset[int]:
    """The days since 1970 that a number of seconds or parts of seconds of a clock may mean (UTC ± 14 h)."""
    size = abs(number)
    if size < 1e8:
        return frozenset()
    part = 1e9 if size >= 1e17 else 1e6 if size >= 1e14 else 1e3 if size >= 1e11 else 1
    seconds = [number / part]
    if size < 1e10 and number % _ROUND:
        seconds += [number + start for start in _CLOCKS]
    seconds += [number / 1e7 - start for start, least, most in _TICKS if least <= size < most]
    return frozenset(int((one + hours * 3600) // 86400) for one in seconds for hours in _ZONES)


def counted_days(number: float) -> frozenset[int]:
    """The days since 1970 that a number may mean by its digits: a count of days, hours or minutes, or a code.

    Codes are years with the day of the year or the week, in two or four digits, and years with a fraction.
    """
    whole = int(number)
    return frozenset(_counted(whole)) | (frozenset() if number == whole else _part_of_year(number))


def _counted(whole: int) -> Iterator[int]:
    digits = len(str(whole))
    if digits == 5:
        yield from (whole - start for start in _FIVE_DIGITS)
        for century in (1900, 2000):
            yield from _day_of_year(century + whole // 1000, whole % 1000)
    elif digits == 6:
        yield from (whole - start for start in _SIX_DIGITS)
        yield from ((whole + hours) // 24 for hours in _ZONES)
        yield from _days_of_week(whole // 100, whole % 100, range(1, 8))
    elif digits == 7:
        yield from (whole - _JULIAN, whole - _JULIAN + 1)
        yield from _day_of_year(whole // 1000, whole % 1000)
        yield from _days_of_week(whole // 1000, whole // 10 % 100, [whole % 10])
    elif digits == 8:
        yield from ((whole + hours * 60) // 1440 for hours in _ZONES)


def _day_of_year(year: int, number: int) -> Iterator[int]:
    if 1 <= number <= 366 and 1800 <= year <= 2100:
        yield unix_day(date(year, 1, 1)) + number - 1


def _days_of_week(year: int, week: int, days: range | list[int]) -> Iterator[int]:
    if 1800 <= year <= 2100:
        with suppress(ValueError):
            yield from [unix_day(date.fromisocalendar(year, week, day)) for day in days]


def _part_of_year(number: float) -> frozenset[int]:
    year = int(number)
    if not 1800 <= year <= 2100 or round(number, 3) == number:
        return frozenset()
    start = unix_day(date(year, 1, 1))
    days = (number - year) * (unix_day(date(year + 1, 1, 1)) - start)
    return frozenset((start + int(days), start + round(days)))


@lru_cache(maxsize=1000)
def unpadded_spellings(day: int) -> tuple[str, ...]:
    """The digits of a day since 1970 with months and days of one digit, and of its month and year."""
    spelled = _EPOCH + timedelta(days=day)
    year, short, month, number = f"{spelled.year}", f"{spelled.year % 100:02}", spelled.month, spelled.day
    found = (
        f"{number}{month}{year}",
        f"{month}{number}{year}",
        f"{year}{month}{number}",
        f"{year}{number}{month}",
        f"{number}{month}{short}",
        f"{month}{number}{short}",
        f"{short}{month}{number}",
        f"{number}{month:02}{short}",
        f"{number}{month:02}{year}",
        f"{month}{number:02}{year}",
        f"{month}{year}",
        f"{month:02}{year}",
    )
    return tuple(digits for digits in found if len(digits) >= 5)
