"""What a process of a running home belongs to."""

import psutil


def component(process: psutil.Process) -> str:
    """Return the function that a process or one of its parents runs, else the name of its program.

    So sandbox processes belong to extract. Raises psutil.NoSuchProcess if the process has ended.
    """
    for each in (process, *process.parents()):
        words = each.cmdline()
        if "--target" in words:
            return str(words[words.index("--target") + 1])
    return str(process.name()).partition("-")[0]
