"""What an expression of Prometheus asks for: metrics with their selectors, and the labels it groups by."""

import re
from dataclasses import dataclass

_AGGREGATIONS = {"sum", "max", "min", "avg", "count"}
_FUNCTIONS = {"rate", "delta", "absent", "avg_over_time", "histogram_quantile", "vector"}
_WORDS = {"by", "without", "and", "or", "unless", "offset", "bool", "on", "ignoring"}
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[a-zA-Z_:][\w:]*)|(?P<range>\[[^\]]*\])|(?P<labels>\{[^}]*\})|(?P<duration>[0-9]+[smhdwy]\b)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<sign>==|!=|<=|>=|[()<>+\-*/,]))"
)  # fmt: skip
_RANGE = re.compile(r"\[(?:[0-9]+[smhdw]|\$__rate_interval)\]")
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"\\]*)"\s*(?:,|$)')
Matcher = tuple[str, str, str]  # label, operator, value


@dataclass(frozen=True)
class Query:
    """What an expression asks for."""

    selectors: tuple[tuple[str, tuple[Matcher, ...]], ...]  # metric and its matchers
    groups: frozenset[str]  # labels of `by`


def parse(expression: str) -> Query:
    """Read the expression; ValueError where it is not one of the forms that we use."""
    tokens = _tokens(expression)
    selectors: list[tuple[str, tuple[Matcher, ...]]] = []
    groups: set[str] = set()
    depth = 0
    for place, (kind, text) in enumerate(tokens):
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if kind == "sign":
            depth += {"(": 1, ")": -1}.get(text, 0)
        elif kind == "name" and text == "by":
            groups |= set(_names_after(tokens, place + 1))
        elif kind == "name" and text not in _WORDS and not _is_in_group(tokens, place):
            if text in _FUNCTIONS | _AGGREGATIONS:
                if following not in {"(", "by", "without"}:
                    raise ValueError(f"{text} without arguments in {expression}")
            elif following == "(":
                raise ValueError(f"unknown function {text} in {expression}")
            else:
                selectors.append((text, _matchers(following) if following.startswith("{") else ()))
        if depth < 0:
            raise ValueError(f"a bracket too many in {expression}")
    if depth or not selectors:
        raise ValueError(f"no metric, or an open bracket, in {expression}")
    return Query(tuple(selectors), frozenset(groups))


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, place, text = [], 0, expression.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"not understood: {text[place:]}")
        kind = str(token.lastgroup)
        if kind == "range" and not _RANGE.fullmatch(token[kind]):
            raise ValueError(f"not a range: {token[kind]}")
        found.append((kind, token[kind]))
        place = token.end()
    return found


def _names_after(tokens: list[tuple[str, str]], place: int) -> list[str]:
    """The labels in the brackets that begin at a place."""
    end = next(n for n in range(place, len(tokens)) if tokens[n][1] == ")")
    return [text for kind, text in tokens[place:end] if kind == "name"]


def _is_in_group(tokens: list[tuple[str, str]], place: int) -> bool:
    """Whether a name is one of the labels of `by`."""
    begin = next((n for n in range(place, -1, -1) if tokens[n][1] == "("), 0)
    return begin > 0 and tokens[begin - 1][1] == "by" and not any(t == ")" for _, t in tokens[begin:place])


def _matchers(text: str) -> tuple[Matcher, ...]:
    inner, place, found = text[1:-1], 0, []
    while place < len(inner):
        matcher = _MATCHER.match(inner, place)
        if matcher is None:
            raise ValueError(f"not a selector: {text}")
        found.append((matcher[1], matcher[2], matcher[3]))
        place = matcher.end()
    return tuple(found)
