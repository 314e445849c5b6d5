"""A zygote whose processes are taken over by files that begin with EXPLOIT; others are drawn."""

import json
from pathlib import Path
from typing import Any

from common.errors import PermanentError
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.prepared_instance import PreparedInstance
from functions.extract.sandbox import worker, zygote
from tests.support.exploits import ATTEMPTS

EXPLOIT = b"EXPLOIT"


class _TakenOverPreparer(InstancePreparer):
    def __call__(self, source: Path, folder: Path, **options: Any) -> PreparedInstance:
        data = source.read_bytes()
        if not data.startswith(EXPLOIT):
            return super().__call__(source, folder, **options)
        name, argument = json.loads(data[len(EXPLOIT) :])
        argument = str(folder / "outputs") if name == "fill_disk" else argument
        try:
            outcome = {"succeeded": repr(ATTEMPTS[name](argument))}
        except OSError as error:
            outcome = {"refused": error.errno}
        raise PermanentError(json.dumps(outcome))


if __name__ == "__main__":
    worker.InstancePreparer = _TakenOverPreparer
    zygote.main()
