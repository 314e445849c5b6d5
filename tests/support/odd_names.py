"""Names of files and folders that a NAS may have and an object store may not take as they are."""

ODD_NAMES = [
    *("a", "A", "a b", "a+b", "100%", "a%20b", "a%2Bb", "Müller", "Mu\u0308ller", "山田"),
    *("a__XLDIR__", "a%5F_XLDIR__", "__XLDIR__", "a%7E2"),
    *("a\\b", "a\nb", "a\x00b", "a\x7fb", "a\udcfcb", "a\\xfcb", "a~2", "a~", "a~b", "a~2~3"),
    *("...", "a.", " a ", "-", "~", "?*:|<>\"'"),
    *("x" * 255, "x" * 254 + "y", "ü" * 127, "%" * 100, "\udcff" * 80),
]
