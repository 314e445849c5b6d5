"""Where MinIO sends its notifications: variables that MinIO reads at its start, one webhook a function."""

import json
import time
from collections.abc import Mapping

from minio import MinioAdmin

from common.store.bucket_notifications import target_arn
from infra.provision.function_card import FunctionCard, function_cards


def webhook_targets(urls: Mapping[str, str]) -> dict[str, str]:
    """The variables that name a target for each function that takes events; `urls` are by function."""
    variables = {}
    for card in webhook_cards():
        variables[f"MINIO_NOTIFY_WEBHOOK_ENABLE_{card.function.upper()}"] = "on"
        variables[f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{card.function.upper()}"] = urls[card.function]
    return variables


def webhook_tokens(token: str) -> dict[str, str]:
    """The variables with the token that MinIO sends; they are secrets."""
    return {f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{card.function.upper()}": token for card in webhook_cards()}


def webhook_cards() -> list[FunctionCard]:
    """The functions that take events."""
    return [card for card in function_cards() if card.events]


def wait_for_targets(admin: MinioAdmin, *, seconds: float = 10) -> None:
    """Wait until MinIO knows the targets: it takes requests some milliseconds before it has loaded them.

    At the end of the time it returns as well: setting a rule then tells that its target is missing.
    """
    wanted = {target_arn(card.function) for card in webhook_cards()}
    deadline = time.monotonic() + seconds
    while not wanted <= set(json.loads(admin.info()).get("sqsARN") or ()) and time.monotonic() < deadline:
        time.sleep(0.05)


def environment_file(variables: Mapping[str, str]) -> str:
    """The text of a file that MINIO_CONFIG_ENV_FILE names."""
    return "".join(f"{name}={value}\n" for name, value in variables.items())
