"""Drift as text for a terminal."""

from collections.abc import Sequence

from oversight.drift.newest_week import FEWEST_PATIENTS, Drift

_HEAD = (
    f"{'modality':<9}{'device':<32}{'week':<12}{'images':>8}"
    f"{'rejected':>10}{'before':>8}{'review':>8}{'before':>8}"
)


def drift_text(found: Sequence[Drift]) -> str:
    """One line for each modality and device, and one for each that differs."""
    if not found:
        return "No image has been judged by this model yet."
    lines = [_HEAD, *map(_row, found), ""]
    differing = [drift.text for drift in found if drift.findings]
    lines += differing or ["Nothing differs from training or from the weeks before."]
    if any(drift.patients < FEWEST_PATIENTS for drift in found):
        lines.append(f"Of a week with fewer than {FEWEST_PATIENTS} patients nothing is said.")
    return "\n".join(lines)


def drift_status_text(differing: Sequence[str]) -> str:
    """One line for the status; empty if nothing differs."""
    if not differing:
        return ""
    more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
    return f"Pictures differ from before{more}: {differing[0]}. See dcm2set quality drift."


def _row(drift: Drift) -> str:
    return (
        f"{drift.modality or '?':<9}{(drift.device or 'all')[:30]:<32}{drift.week:<12}{drift.images:>8}"
        f"{drift.rejected:>10.1%}{_percent(drift.rejected_before):>8}"
        f"{drift.in_review:>8.1%}{_percent(drift.in_review_before):>8}"
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
