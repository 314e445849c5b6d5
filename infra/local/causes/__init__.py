"""Why a home can't start: a disk, a right or a limit, said in one line with what to do."""
