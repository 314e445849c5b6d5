"""The warning that the rule `last` lets one of several annotators decide."""

from collections.abc import Iterable

from training_set.agreement.agreement import Agreement


def rule_warning(
    rule: str, agreements: Iterable[Agreement], *, option: str = "--rule majority"
) -> str | None:
    """Return a sentence if several annotators meet the rule `last`, otherwise None.

    `agreements` are those of all labels; `option` is how another rule is chosen.
    """
    found = [each for each in agreements if each.images]
    if rule != "last" or not found:
        return None
    read, differing = sum(each.images for each in found), sum(each.differing for each in found)
    return (
        f"The rule last meets {read:,} label(s) of images that several annotators read. On {differing:,} of "
        "them they differ, and the newest reading alone decides, also against a majority. "
        f"{option}, any or all counts every reading."
    )
