"""Cells of CSV files that persons open in a spreadsheet."""

# With these a formula begins, also in their full-width forms; OWASP, CSV Injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: object) -> object:
    """A text that a spreadsheet does not take for a formula: after a quotation mark if it looks like one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
