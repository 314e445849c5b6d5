"""Write tables as CSV. The bytes depend only on the table."""

import pyarrow as pa
import pyarrow.compute as pc

UNKNOWN = "unknown"
# Text that CSV readers convert to a number, a boolean, a missing value or a formula.
_NOT_TEXT = (
    r"(?is)^\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf(inity)?|nan)|true|false|none|null|n/?a"
    r"|<na>|#n/?a( n/a)?|-?1\.#(ind|qnan)|[=+@-].*|)\s*$"
)


def csv_text(table: pa.Table) -> bytes:
    """Return comma-separated UTF-8 with a header; nulls are empty, lines end with a line feed."""
    header = ",".join(pc.fill_null(_quoted(pa.array(table.column_names)), "").to_pylist())
    columns = [pc.fill_null(_quoted(_text(column.combine_chunks())), "") for column in table.columns]
    lines = pc.binary_join_element_wise(*columns, ",").to_pylist() if table.num_rows else []
    return "\n".join([header, *lines, ""]).encode()


def plain_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Format numbers without an unnecessary fraction: 1, 0, -1, 0.25."""
    return pc.cast(column, pa.string())


def real_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Format numbers so that readers see reals even if all values are whole: 1.0, 0.25."""
    text = pc.cast(column, pa.string())
    is_whole = pc.match_substring_regex(text, r"^-?\d+$")
    return pc.if_else(is_whole, pc.binary_join_element_wise(text, ".0", ""), text)


def unambiguous_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Format text so that readers always see text and a column has the same type in every split.

    Null becomes `unknown`. Text that looks like a number, a boolean, a missing value or a formula is put in
    single quotes.
    """
    text = pc.cast(column, pa.string())
    is_ambiguous = pc.match_substring_regex(text, _NOT_TEXT)
    quoted = pc.binary_join_element_wise("'", text, "'", "")
    return pc.fill_null(pc.if_else(is_ambiguous, quoted, text), UNKNOWN)


def _text(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _quoted(text: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(text, '[",\r\n]')
    if not pc.any(needs).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), text)
