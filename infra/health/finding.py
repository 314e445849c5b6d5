"""The result of one check of this machine or of the NAS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common.errors import PipelineError


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    is_good: bool
    text: str


def tried(subject: str, attempt: Callable[[], str]) -> Finding:
    """Try something: the finding has the text that `attempt` returns, or the message of its error."""
    try:
        return Finding(subject, True, attempt())
    except PipelineError as error:
        return Finding(subject, False, str(error))


def are_good(findings: Iterable[Finding]) -> bool:
    """Whether all findings are good."""
    return all(finding.is_good for finding in findings)


def findings_text(findings: Iterable[Finding]) -> str:
    """One line for each finding."""
    return "\n".join(
        f"{'ok   ' if finding.is_good else 'WRONG'}  {finding.subject}: {finding.text}"
        for finding in findings
    )
