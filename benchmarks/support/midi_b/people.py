"""Invented patients of the synthetic set, each with the same words in every run."""

import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

_FAMILIES = """Müller Okonkwo Fernández Lindqvist Papadopoulos Whitaker Nakamura Kowalczyk O'Brien Andersen
    Szabó Vandenberghe Ivanovich Haddad Castellano Thorvaldsen Mbeki Rosenzweig Delacroix Yamaguchi""".split()
_GIVEN = "Jörg Amara Lucía Astrid Eleni Tyrone Haruto Zofia Siobhán Rasmus Ágnes Pieter Dmitri Leila".split()
_BIRTH_NAMES = "Grauenstein Bellweather Montefalco Ashworthy Kirchhofner".split()
_PHYSICIANS = "Zimmerman Prescott Albrecht Fitzgerald Sorensen".split()
_OPERATORS = "Quigley Brightwell Tanner-Howe Eastwick".split()
_CITIES = "Springfield Zenda Kleinbergen Port-Haven Montclair".split()
_STREETS = "Lindenstrasse Elmgrove Rosewood Kastanienallee".split()
_INSTITUTIONS = ("Saint Bartholomew Medical Center", "Klinikum Kleinbergen", "Zenda General Infirmary")
_MAKERS = (("SIEMENS", "SOMATOM Definition"), ("GE MEDICAL SYSTEMS", "Discovery"), ("Philips", "Ingenia"))
_FIRST_STUDY = date(2012, 1, 9)

Words = Mapping[str, str]


def patient_words(number: int) -> Words:
    """The words of a patient's header by their names in `plants.toml`."""
    rng = np.random.default_rng([number, 2024])

    def one_of(values: list[str] | tuple[str, ...]) -> str:
        return values[int(rng.integers(len(values)))]

    def digits(size: int) -> str:
        return "".join(str(digit) for digit in [*rng.integers(1, 10, 1), *rng.integers(0, 10, size - 1)])

    family, given, physician = _FAMILIES[number % len(_FAMILIES)], one_of(_GIVEN), one_of(_PHYSICIANS)
    age = int(rng.integers(20, 80))
    number_of_id = digits(8)
    return {
        "family": family,
        "family_upper": family.upper(),
        "family_ascii": unicodedata.normalize("NFKD", family.upper()).encode("ascii", "ignore").decode(),
        "given": given,
        "name": f"{family}^{given}",
        "birth_name": one_of(_BIRTH_NAMES),
        "physician": f"{physician}^Gwendolyn^^Dr",
        "physician_family": physician,
        "operator": one_of(_OPERATORS),
        "id": f"MRN-{number_of_id}" if number % 2 else number_of_id,
        "id_apart": f"{number_of_id[:2]} {number_of_id[2:5]} {number_of_id[5:]}",
        "other_id": f"{digits(3)}-{digits(2)}-{digits(4)}",
        "admission": f"V{digits(8)}",
        "insurance": f"HX{digits(9)}",
        "phone": f"{digits(3)}-{digits(3)}-{digits(4)}",
        "email": f"{family.lower()}{digits(3)}@example.org",
        "street": f"{digits(3)} {one_of(_STREETS)}",
        "city": one_of(_CITIES),
        "ward": f"{digits(2)}B-{digits(3)}",
        "birth": f"{date(2015 - age, 1 + int(rng.integers(12)), 1 + int(rng.integers(28))):%Y%m%d}",
        "age": f"{age:03}Y",
        "sex": "FM"[int(rng.integers(2))],
        "weight": f"{rng.uniform(48, 110):.1f}",
    }


def study_words(patient: int, study: int) -> Words:
    """The words of a study: of its time, place and device."""
    rng = np.random.default_rng([patient, study, 2025])
    day = _FIRST_STUDY + timedelta(days=int(rng.integers(3000)))
    maker, model = _MAKERS[int(rng.integers(len(_MAKERS)))]
    digits = [str(number) for number in rng.integers(1_000_000, 10_000_000, 3)]
    return {
        "accession": f"A{digits[0]}",
        "study_number": f"ST{digits[1]}",
        "serial": f"SN{digits[2]}",
        "station": f"RADROOM{int(rng.integers(10, 99))}X",
        "institution": _INSTITUTIONS[int(rng.integers(len(_INSTITUTIONS)))],
        "institution_street": f"{int(rng.integers(10, 99))} Hospitalweg",
        "department": "Cardioradiology East",
        "maker": maker,
        "model": model,
        "study_day": f"{day:%Y%m%d}",
        "day_written": f"{day:%d.%m.%Y}",
        "next_day": f"{day + timedelta(days=1):%Y%m%d}",
        "day_before": f"{day - timedelta(days=40):%Y%m%d}",
        "calibration": f"{day - timedelta(days=9):%Y%m%d}",
    }
