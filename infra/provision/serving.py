"""How a function is served: the command, and the variables of its process, here and in a container."""

import sys

from common.process import native_libraries
from infra.provision.function_card import FunctionCard

# No function uses minio's client for administration, whose imports are a twelfth of those of a function.
_UNUSED = "minio.minioadmin"


def serving_command(card: FunctionCard, *, host: str, port: int) -> list[str]:
    """The command that serves a function under functions-framework."""
    command = [sys.executable, "-m", "common.process.quick_process", "--without", _UNUSED]
    command += ["--first", card.first] if card.first else []
    command += ["functions_framework", "--source", str(card.source), "--target", card.function]
    return [*command, "--host", host, "--port", str(port)]


def serving_environment(card: FunctionCard, *, workers: int) -> dict[str, str]:
    """Variables of a process that serves a function with so many worker processes."""
    return {
        "WORKERS": str(workers),
        "THREADS": str(card.threads),
        **native_libraries.ENVIRONMENT,
        "PYTHONUNBUFFERED": "1",
    }
