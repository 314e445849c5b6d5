"""Columns of tables that are known to be no labels, by their names.

Names in public data sets (VinDr-CXR, RSNA, MIMIC-CXR, PadChest), in exports of labelling tools, in
spreadsheets and data frames. A column of such a name is a label only if a person says so.
"""

import re

_NAMES = frozenset(
    """
    agegroup agreement annotations annotator area bag batch bbox bbox0 bbox1 bits bodypart boxes category
    center centre checked class cluster cohort col cols columns comment completedby confidence count
    createdat crop dataset date day device done dose dup duplicate duration ethnicity exam exclude
    excluded flag flip flipped fold followup gender group h hasannotation hasannotations hasbox hasboxes
    hastext height hospital id ids idx include index institution insurance inverted iscancelled isdup
    isduplicate isflipped isinverted istest istrain istraining isval isvalid keep kernel kvp language
    laterality leadtime loss machine manufacturer modality model month n name nboxes no num numboxes order
    original padding pixelspacing position prediction priority probability project projection quality race
    rank region rejected reviewed rotation round row rows scanner score seed sequence session set sex side
    site skip skipped slice source spacing split status subset sum target task test time total train
    training ttv type uncertainty updatedat usable use used val valid validation vendor verified version
    view visit w wascancelled weight weights width x x1 x2 y y1 y2 year z
    """.split()
)
# The last word of such names: site_id, machineNo, x_min, fold_index, read_count.
_LAST_WORDS = frozenset(
    """
    cm confidence count date datetime file filename fold guid hash height id ids idx index key kg max md5
    min mm name no nr num number path prob probability score seconds sha256 spacing split time timestamp
    uid uri url uuid weight weights width
    """.split()
)
_UNNAMED = re.compile(r"unnamed:\d+.*")  # pandas: the index of a data frame, and columns without a name
_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_JOINED = re.compile(
    r"[xy](min|max)|k?fold\d*|seed\d*|pixelspacing.*|.*(?:class|image|machine|patient|reader|report|series|site|subject)id|level\d"
)


def is_bookkeeping(header: str) -> bool:
    """Whether a column of this name is known to be no label."""
    folded = re.sub(r"[\s_.-]", "", header).lower()
    words = [word.lower() for word in _WORDS.findall(header)]
    return (
        not folded
        or folded in _NAMES | _LAST_WORDS
        or _UNNAMED.fullmatch(folded) is not None
        or _JOINED.fullmatch(folded) is not None
        or (len(words) > 1 and words[-1] in _LAST_WORDS)
    )
