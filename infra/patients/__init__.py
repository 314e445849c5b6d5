"""The commands report, pseudonym, erase and erasures."""
