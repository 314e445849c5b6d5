"""What a look at the machine or the NAS found, and how it is told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common.errors import PipelineError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_good: bool
    text: str


def tried(subject: str, attempt: Callable[[], str]) -> Finding:
    """What an attempt tells, or why it failed."""
    try:
        return Finding(subject, True, attempt())
    except PipelineError as error:
        return Finding(subject, False, str(error))


def are_good(findings: Iterable[Finding]) -> bool:
    """Whether all of them are."""
    return all(finding.is_good for finding in findings)


def findings_text(findings: Iterable[Finding]) -> str:
    """A line each."""
    return "\n".join(
        f"{'ok   ' if finding.is_good else 'WRONG'}  {finding.subject}: {finding.text}"
        for finding in findings
    )
