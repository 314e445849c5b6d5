"""DSM's error numbers as errors of the pipeline. A number has different meanings at the login and after it.

Sources: DSM Login Web API Guide, p. 14, and Synology File Station Official API, p. 12-16. Where the texts
of synology-api differ, these are right.
"""

from collections.abc import Mapping
from typing import Any

from common.errors import DependencyAwayError, PipelineError, SettingsError
from common.nas.nas import NameTakenError, UnreadableError

EXPIRED = frozenset([106, 107, 119])  # session timed out, ended by another login, not found
BUSY = frozenset([402, 421])  # the system is too busy, the file is in use
NOT_OFFERED = frozenset([101, 102, 103, 104])  # no such API, method or version
MISSING = 408
_NO_ENTRY = frozenset([401, 411, 418, 419, 420])  # DSM can't handle this file, whatever is asked of it
EXISTS = 414

_LOGIN = {
    400: "The NAS refused the user or the password; see DCM2SET_NAS_USER and DCM2SET_NAS_PASSWORD.",
    401: "The NAS has disabled the account; see DCM2SET_NAS_USER.",
    402: "The account may not sign in to the NAS; see DCM2SET_NAS_USER.",
    403: "The NAS requires a one-time code; `dcm2set nas trust` prints the DCM2SET_NAS_DEVICE_ID to set.",
    404: "The NAS refused the one-time code; codes are valid for seconds only, see DCM2SET_NAS_OTP_CODE.",
    406: "The NAS wants the account to set up two-factor sign-in first; see DCM2SET_NAS_USER.",
    407: "The NAS has blocked this machine's address after failed sign-ins; unblock it in DSM under "
    "Control Panel, Security, then fix DCM2SET_NAS_PASSWORD.",
    408: "The account's password has expired; see DCM2SET_NAS_PASSWORD.",
    409: "The account's password has expired; see DCM2SET_NAS_PASSWORD.",
    410: "The account's password must be changed in DSM first; see DCM2SET_NAS_PASSWORD.",
}
_NO_RIGHT = (
    "The NAS account may not do this; give DCM2SET_NAS_USER the right to read and write the share, "
    "or set DCM2SET_NAS_PROCESSED_MARK=none so that no folder is renamed."
)


class NoRightError(UnreadableError, SettingsError):
    """The account may not do this with this file or folder."""


def login_refused(code: int) -> PipelineError:
    """The error for a failed login. A SettingsError stays until a person has fixed the settings."""
    if 400 <= code < 500:
        # Each further try with the same account brings DSM closer to blocking the address.
        return SettingsError(_LOGIN.get(code, f"The NAS refused the login (DSM error {code})."))
    return DependencyAwayError(f"The NAS could not log in (DSM error {code}).")


def code_of(answer: Mapping[str, Any]) -> int:
    """The error number of an answer, 0 for success. A detailed error precedes the general one."""
    if answer.get("success"):
        return 0
    error = answer.get("error") or {}
    for part in error.get("errors") or ():
        if isinstance(part, dict) and isinstance(part.get("code"), int):
            return int(part["code"])
    return int(error.get("code") or 100)


def request_refused(code: int) -> PipelineError:
    """The error for a failed File Station request, without DSM's texts, which contain paths."""
    if code in {105, 407}:
        return NoRightError(_NO_RIGHT)
    if code == MISSING:
        return UnreadableError(
            "The NAS no longer has a listed file or folder, or the share is wrong; see DCM2SET_NAS_URL."
        )
    if code in _NO_ENTRY:
        return UnreadableError(f"The NAS can't read this file or folder (DSM error {code}); rename it.")
    if code == EXISTS:
        return NameTakenError()
    return DependencyAwayError(f"The NAS refused a request (DSM error {code}).")
