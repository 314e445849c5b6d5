"""The agreement of annotators on a label as lines for a terminal."""

from typing import Any

_MOST_GROUPS, _MOST_IMAGES = 10, 20
_NOT_NAMED = "(not named)"


def agreement_lines(found: dict[str, Any]) -> list[str]:
    """The agreement over all images; then that of each group, and the images on which they differ."""
    lines = [agreement_text(found)]
    groups = found["groups"] if len(found["groups"]) > 1 else []
    lines += [f"    {_names(group)}: {agreement_text(group)}" for group in groups[:_MOST_GROUPS]]
    lines += _more(len(groups) - _MOST_GROUPS, "group(s)")
    for image in found["differing_images"][:_MOST_IMAGES]:
        values = ", ".join(f"{name or _NOT_NAMED} {value:g}" for name, value in image["values"])
        lines.append(f"    differs: {image['key']}  {values}")
    return [*lines, *_more(found["differing"] - _MOST_IMAGES, "differing image(s)")]


def agreement_text(found: dict[str, Any]) -> str:
    """One coefficient in words, or why there is none."""
    if found["kappa"] is None:
        return f"not defined: {found['cause']}"
    differing = f", {found['differing']} of them differ" if found["differing"] else ""
    return f"{found['measure']} {found['kappa']:.3f} over {found['images']} image(s){differing}"


def _names(group: dict[str, Any]) -> str:
    return ", ".join(name or _NOT_NAMED for name in group["annotators"])


def _more(number: int, what: str) -> list[str]:
    return [f"    and {number} more {what}; --json lists them"] if number > 0 else []
