"""The commands report, pseudonym and erase."""
