"""Whether patients are alike in all splits, by sex, age, modality, device and view, with a test."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

UNKNOWN, OTHERS = "unknown", "others"
_AGE_BANDS = ((18, "0 to 17"), (40, "18 to 39"), (60, "40 to 59"), (80, "60 to 79"), (np.inf, "80 and over"))
_BANDS = {band: number for number, (_, band) in enumerate(_AGE_BANDS)}  # bands keep their order
_MOST_VALUES = 10  # of a characteristic; the rarer ones are counted together
_LEVEL = 0.05  # of all tests together
_SMALL_EFFECT = 0.1  # Cramér's V (Cohen 1988)
_FEW_PATIENTS = 50
_RESAMPLES = 4999
_SIMULATED = "Fisher's exact, by simulation"
_SMALLEST_EXPECTED = 5  # the usual condition of the chi-square test (Cochran 1954)


def split_balance(table: pa.Table, splits: list[str]) -> list[dict[str, Any]]:
    """Return for each characteristic the patients by value and split, and the result of the test.

    A patient counts once for each value, since images of a patient resemble one another.
    """
    found: list[dict[str, Any]] = []
    for name, values in _characteristics(table).items():
        counts = _with_others(_counted(table, values, splits))
        patients = {value: dict(zip(splits, row.tolist(), strict=True)) for value, row in counts.items()}
        known = [row for value, row in counts.items() if value != UNKNOWN]
        test = _tested(np.array(known, np.int64).reshape(-1, len(splits)).T)
        found.append({"characteristic": name, "patients": patients, "test": test})
    level = _LEVEL / max(1, sum(each["test"]["p"] is not None for each in found))
    for each in found:
        each["test"]["reading"] = _reading(each["test"], level)
    return found


def _characteristics(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    maker, model = (pc.fill_null(table[name], "") for name in ("manufacturer", "device_model"))
    device = pc.utf8_trim_whitespace(pc.binary_join_element_wise(maker, model, " "))
    return {
        "sex": table["sex"],
        "age": _age_bands(table["age_years"]),
        "modality": table["modality"],
        "manufacturer": table["manufacturer"],
        "device": pc.if_else(pc.equal(device, ""), pa.scalar(None, pa.string()), device),
        "view": table["view_position"],
    }


def _age_bands(column: pa.ChunkedArray) -> pa.ChunkedArray:
    ages = column.to_numpy(zero_copy_only=False).astype(float)
    bands = np.digitize(ages, [limit for limit, _ in _AGE_BANDS[:-1]])
    indices = pa.array(bands.astype(np.int32), mask=np.isnan(ages))
    names = pa.DictionaryArray.from_arrays(indices, [band for _, band in _AGE_BANDS])
    return pa.chunked_array([names.cast(pa.string())])


def _counted(table: pa.Table, values: pa.ChunkedArray, splits: list[str]) -> dict[str, NDArray[np.int64]]:
    """Return the patients with each value, int64 (splits,); frequent values first, age bands in order."""
    columns = {
        "patient": table["patient_id"], "split": table["split"], "value": pc.fill_null(values, UNKNOWN)
    }  # fmt: skip
    once = pa.table(columns).group_by(["patient", "split", "value"]).aggregate([])
    rows = once.group_by(["split", "value"]).aggregate([([], "count_all")]).to_pylist()
    counts = {row["value"]: np.zeros(len(splits), np.int64) for row in rows}
    for row in rows:
        counts[row["value"]][splits.index(row["split"])] = row["count_all"]
    order = sorted(counts, key=lambda value: (_BANDS.get(value, 0), -int(counts[value].sum()), value))
    return {value: counts[value] for value in order}


def _with_others(counts: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Return the first values, all others together, and the patients without a value last."""
    known = [value for value in counts if value != UNKNOWN]
    found = {value: counts[value] for value in known[:_MOST_VALUES]}
    if len(known) > _MOST_VALUES:
        found[OTHERS] = np.sum([counts[value] for value in known[_MOST_VALUES:]], axis=0)
    return found | {value: counts[value] for value in counts if value == UNKNOWN}


def _tested(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Test whether the splits have equal shares of the values, of patients whose value is known."""
    counts = counts[counts.sum(axis=1) > 0]
    counts = counts[:, counts.sum(axis=0) > 0] if len(counts) else counts
    number = int(counts.sum())
    untested = {"method": None, "p": None, "cramers_v": None, "patients": number}
    if min(counts.shape, default=0) < 2:
        return untested
    from scipy.stats import chi2_contingency, fisher_exact

    chi = chi2_contingency(counts, correction=False)
    effect = float(np.sqrt(chi.statistic / (number * (min(counts.shape) - 1))))
    if chi.expected_freq.min() >= _SMALLEST_EXPECTED:
        method, p = "chi-square", float(chi.pvalue)
    elif counts.shape == (2, 2):
        method, p = "Fisher's exact", float(fisher_exact(counts)[1])
    else:
        method, p = _SIMULATED, _simulated_p(counts)
    return {"method": method, "p": round(p, 4), "cramers_v": round(effect, 3), "patients": number}


def _simulated_p(counts: NDArray[np.int64]) -> float:
    """Return the share of random tables with the same margins that are at most as likely as this one.

    This is Fisher's exact test for any number of rows and columns (Freeman and Halton 1951), simulated, since
    the tables are too many to count. The seed is fixed, so that a card can be made again.
    """
    from scipy.special import gammaln
    from scipy.stats import random_table

    chance = random_table(counts.sum(axis=1), counts.sum(axis=0))
    drawn = np.asarray(chance.rvs(_RESAMPLES, random_state=np.random.default_rng(0)))
    tables = np.concatenate([counts[None], drawn.reshape(_RESAMPLES, *counts.shape)])
    likelihood = -gammaln(tables + 1.0).sum(axis=(1, 2))  # its logarithm, but for a constant of the margins
    return float((likelihood <= likelihood[0] + 1e-9).mean())


def _reading(test: Mapping[str, Any], level: float) -> str:
    """Return what a test says, in plain words."""
    if test["p"] is None:
        return "Not tested: fewer than two splits or values are known."
    p = "below 0.001" if test["p"] < 0.001 else f"{test['p']:.3f}"
    if test["p"] >= level:
        is_weak = test["patients"] < _FEW_PATIENTS or test["method"] == _SIMULATED
        few = " With so few patients of a value, only a large difference would show." if is_weak else ""
        return f"No difference between the splits beyond chance (p {p}).{few}"
    small = ", but it is small" if test["cramers_v"] < _SMALL_EFFECT else ""
    return f"The splits differ beyond chance{small} (p {p}, Cramér's V {test['cramers_v']:.2f})."


def differs(found: Mapping[str, Any]) -> bool:
    """Whether a characteristic differs between the splits beyond chance, and not only a little."""
    return "differ beyond chance (" in found["test"]["reading"]
