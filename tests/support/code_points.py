"""Texts with characters of every class that a file may have, for tests of what is stored."""

# One or two characters of each class of Unicode, and those that JSON, Postgres or C treat specially.
CODE_POINTS = {
    "NUL": "\0",
    "C0 control": "\x01\x07\x1b\x1f",
    "tab and line ends": "\t\n\f\r",
    "DEL": "\x7f",
    "C1 control": "\x80\x85\x9f",
    "lone high surrogate": "\ud800",
    "lone low surrogate": "\udfff",
    "surrogates in the wrong order": "\udc00\ud800",
    "noncharacters": "\ufdd0\ufffe\uffff\U0010ffff",
    "private use": "\ue000\U000f0000",
    "byte order mark": "\ufeff",
    "replacement character": "\ufffd",
    "unassigned": "\u0378\U000e0080",
    "combining marks": "e\u0301\u0327",
    "bidirectional controls": "\u202e\u2066",
    "line and paragraph separators": "\u2028\u2029",
    "zero width": "\u200b\u200d",
    "beyond the basic plane": "\U0001f9e0\U00020000",
    "quotes and escapes": "\"'u0000{}$$%s",
    "backslash": "\\",
}
