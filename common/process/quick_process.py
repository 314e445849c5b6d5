"""Runs a module as ``python -m`` does, in a process that starts and ends in less processor time.

It does what the interpreter has no option for. Imports leave no garbage, so the collector does not search
for it meanwhile: that was a fifth of a start. Later it leaves out what was imported, so that workers go on
sharing the memory of the process that forked them. At the end the kernel frees the memory, at once, instead
of Python object by object, which took a quarter of a second for each process.

``python -m common.process.quick_process functions_framework --source functions/sweep/main.py …``

With ``--first MODULE`` the function ``start`` of that module is called before the other one is run: it may
start a process whose imports then run beside those of this one. ``--without MODULE`` names a module that a
library imports and this process never uses: an empty one takes its place, whose every name is None.
"""

import gc
import importlib
import os
import runpy
import sys
from types import ModuleType


class _Empty(ModuleType):
    """A module that is not needed."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):  # what Python itself asks modules for
            raise AttributeError(name)


def main() -> None:
    """Run the module that the first argument names, with the other arguments."""
    del sys.argv[0]
    gc.disable()
    os.register_at_fork(before=gc.freeze, after_in_parent=gc.enable, after_in_child=gc.enable)
    while sys.argv[0].startswith("--"):
        option, name = sys.argv[:2]
        del sys.argv[:2]
        if option == "--first":
            importlib.import_module(name).start()
        else:
            sys.modules[name] = _Empty(name)
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:  # of this process, or of a worker that it forked
        if end.code is not None and not isinstance(end.code, int):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)


if __name__ == "__main__":
    main()
