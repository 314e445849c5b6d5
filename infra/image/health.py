"""The health check of a container: whether its function answers, and reaches what it depends on.

Exit code 0 if the answer to GET / says ``ok``; otherwise 1, and a line that says what is away.
"""

import http.client
import json
import os
import sys
from typing import Any

from common.errors import SettingsError
from infra.image.serve import chosen_port

_SECONDS = 8.0


def health(port: int, *, seconds: float = _SECONDS) -> str:
    """What is wrong with the function at a TCP port of this machine; empty if nothing is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", "/", headers={"Accept": "application/json"})
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return "The function does not answer."
    finally:
        connection.close()
    return _wrong(answer)


def _wrong(answer: Any) -> str:
    if not isinstance(answer, dict):
        return "The function does not answer."
    if answer.get("status") == "ok":
        return ""
    checks = answer.get("checks", {})
    return "; ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok") or "degraded"


def main() -> None:
    """Check the function of this container."""
    try:
        wrong = health(chosen_port(os.environ))
    except SettingsError as error:
        wrong = str(error)
    if wrong:
        print(wrong)  # noqa: T201 the container runtime keeps what a health check prints
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
