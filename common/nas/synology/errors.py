"""DSM's error numbers as errors of ours. The same number means one thing at the login, another after it.

DSM Login Web API Guide, p. 14, and Synology File Station Official API, p. 12-16; where the
library's own texts differ, these are right.
"""

from collections.abc import Mapping
from typing import Any

from common.errors import DependencyAwayError, PipelineError, SettingsError, TransientError

EXPIRED = frozenset([106, 107, 119])  # session timed out, ended by another login, not found
BUSY = frozenset([402, 421])  # the system is too busy, the file is in use
MISSING = 408
EXISTS = 414

_LOGIN = {
    400: "The NAS refused the user or the password; see DCM2SET_NAS_USER and DCM2SET_NAS_PASSWORD.",
    401: "The NAS has disabled the account; see DCM2SET_NAS_USER.",
    402: "The account may not sign in to the NAS; see DCM2SET_NAS_USER.",
    403: "The NAS asks for a one-time code; `dcm2set nas trust` gives the DCM2SET_NAS_DEVICE_ID to set.",
    404: "The NAS refused the one-time code; codes hold for seconds, see DCM2SET_NAS_OTP_CODE.",
    406: "The NAS wants the account to set up two-factor sign-in first; see DCM2SET_NAS_USER.",
    407: "The NAS has blocked this machine's address after failed sign-ins; unblock it in DSM under "
    "Control Panel, Security, then mend DCM2SET_NAS_PASSWORD.",
    408: "The account's password has expired; see DCM2SET_NAS_PASSWORD.",
    409: "The account's password has expired; see DCM2SET_NAS_PASSWORD.",
    410: "The account's password must be changed in DSM first; see DCM2SET_NAS_PASSWORD.",
}
_NO_RIGHT = (
    "The NAS account may not do this; give DCM2SET_NAS_USER the right to read and write the share, "
    "or set DCM2SET_NAS_PROCESSED_MARK=none so that no folder is renamed."
)


def login_refused(code: int) -> PipelineError:
    """What a failed login means; a SettingsError is final until a person has mended it."""
    if 400 <= code < 500:
        # Another try with the same account would only bring the address closer to being blocked.
        return SettingsError(_LOGIN.get(code, f"The NAS refused the login (DSM error {code})."))
    return DependencyAwayError(f"The NAS could not log in (DSM error {code}).")


def code_of(answer: Mapping[str, Any]) -> int:
    """The error of an answer, 0 for none; the first of its parts tells more than the whole."""
    if answer.get("success"):
        return 0
    error = answer.get("error") or {}
    for part in error.get("errors") or ():
        if isinstance(part, dict) and isinstance(part.get("code"), int):
            return int(part["code"])
    return int(error.get("code") or 100)


def request_refused(code: int) -> PipelineError:
    """What a failed File Station request means; DSM's own texts name paths."""
    if code in {105, 407}:
        return SettingsError(_NO_RIGHT)
    if code == MISSING:
        return DependencyAwayError("The NAS no longer has what was listed, or the share is wrong; "
                                   "see DCM2SET_NAS_URL.")  # fmt: skip
    if code == EXISTS:
        return TransientError("A folder on the NAS can't be marked: the marked name is taken.")
    return DependencyAwayError(f"The NAS refused a request (DSM error {code}).")
