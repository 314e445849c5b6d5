"""A selection in SQL's words to a condition of our own making: only what is known, values only bound.

Nothing of the text reaches the database: it is parsed, every node is looked up in a list of what is
allowed, and the condition is written anew from names of ours and placeholders.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlglot
from psycopg import sql
from sqlglot import exp

from common.errors import PermanentError
from training_set.selection.fields import FIELDS, FUNCTIONS, Field, Kind

_MOST_CHARACTERS = 20_000
_MOST_DEPTH = 50
_DEFAULTS = {"verdict": "verdict = 'good'", "is_localizer": "not is_localizer"}
_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_PARTS = {"this", "expression", "expressions", "low", "high", "negate", "is_string", "quoted", "to"}
_LIKES: dict[type[exp.Expression], str] = {exp.Like: "like", exp.ILike: "ilike"}
_JOINS: dict[type[exp.Expression], str] = {exp.And: "and", exp.Or: "or"}


@dataclass(frozen=True)
class Condition:
    """A condition on an image, ready for the database."""

    text: sql.Composable
    values: Mapping[str, Any]  # of the placeholders in it


def full_selection(where: str) -> str:
    """The selection with what goes without saying: good images, no localizers, unless it speaks of them."""
    asked = _parsed(where) if where.strip() else None
    named = {column.name for column in asked.find_all(exp.Column)} if asked else set()
    parts = [text for name, text in _DEFAULTS.items() if name not in named]
    own = [f"({where.strip()}\n)" if "--" in where else f"({where.strip()})"] if asked else []
    return " and ".join([*own, *parts]) or "true"


def parse_selection(where: str, label_ids: Mapping[str, int]) -> Condition:
    """The condition that a selection means; `label_ids` are the labels there are.

    Raises PermanentError, with what is wrong, for everything that is not allowed.
    """
    writer = _Writer(label_ids)
    text = writer.truth(_parsed(where), 0)
    return Condition(text, writer.values)


def _parsed(where: str) -> exp.Expression:
    if len(where) > _MOST_CHARACTERS:
        raise PermanentError(f"The selection is longer than {_MOST_CHARACTERS} characters.")
    try:
        found = sqlglot.parse(f"select 1 where {where}", dialect="postgres")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PermanentError(f"The selection can't be read: {_first_line(error)}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        raise PermanentError("The selection is one condition, without ; or a query of its own.")
    query = found[0]
    clauses = {name for name, part in query.args.items() if part} - {"expressions", "where", "kind"}
    if clauses or len(query.expressions) != 1:
        raise PermanentError(f"The selection is one condition; it can't have {', '.join(sorted(clauses))}.")
    condition: exp.Expression = query.args["where"].this
    for node in condition.walk():
        # A part that is not looked at, a SYMMETRIC or a NOT, would change what is meant.
        if {name for name, part in node.args.items() if part} - _PARTS:
            raise _refused(node)
    return condition


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).replace("\x1b[4m", "").replace("\x1b[0m", "").splitlines() if line]
    return lines[0].split(" Line 1")[0] if lines else "it is nested too deeply"


@dataclass
class _Writer:
    """Writes a condition from a tree, node by node."""

    label_ids: Mapping[str, int]
    values: dict[str, Any] = field(default_factory=dict)

    def truth(self, node: exp.Expression, depth: int) -> sql.Composable:
        """A node that is true or false."""
        if depth > _MOST_DEPTH:
            raise PermanentError("The selection is nested too deeply.")
        if isinstance(node, exp.Paren):
            return self.truth(node.this, depth + 1)
        if isinstance(node, exp.Not):
            return sql.SQL("not ({})").format(self.truth(node.this, depth + 1))
        if type(node) in _JOINS:
            return self._joined(node, depth)
        write = self._writers().get(type(node))
        if write is None:
            raise _refused(node)
        term = write(node)
        return sql.SQL("not ({})").format(term) if node.args.get("negate") else term

    def _writers(self) -> dict[type[exp.Expression], Callable[[Any], sql.Composable]]:
        """What is allowed beside brackets, and, or and not."""
        return {
            **dict.fromkeys(_COMPARISONS, self._compared),
            **dict.fromkeys(_LIKES, self._like),
            exp.Between: self._between,
            exp.In: self._in,
            exp.Is: self._is,
            exp.Boolean: lambda node: sql.SQL("true" if node.this else "false"),
            exp.Column: self._alone,
        }

    def _alone(self, node: exp.Column) -> sql.Composable:
        """A column that is true or false by itself."""
        known = self._field(node)
        if known.kind != "truth":
            raise _refused(node)
        return known.term

    def _joined(self, node: exp.Expression, depth: int) -> sql.Composable:
        """A chain of and or or, however long, without a call for each link."""
        kind, parts, rest = type(node), [], node
        while isinstance(rest, kind):
            parts.append(rest.expression)
            rest = rest.this
        terms = [sql.SQL("({})").format(self.truth(part, depth + 1)) for part in [rest, *reversed(parts)]]
        return sql.SQL(f" {_JOINS[kind]} ").join(terms)

    def _compared(self, node: exp.Expression) -> sql.Composable:
        left, right = node.this, node.expression
        sign = sql.SQL(_COMPARISONS[type(node)])
        if not _is_field(left) and not _is_field(right):
            raise _refused(node)
        known = self._field(left if _is_field(left) else right)
        sides = [self._side(side, known.kind) for side in (left, right)]
        return sql.SQL("{} {} {}").format(sides[0], sign, sides[1])

    def _between(self, node: exp.Between) -> sql.Composable:
        known = self._field(node.this)
        low, high = (self._side(node.args[name], known.kind) for name in ("low", "high"))
        return sql.SQL("{} between {} and {}").format(known.term, low, high)

    def _in(self, node: exp.In) -> sql.Composable:
        known = self._field(node.this)
        values = [self._side(value, known.kind) for value in node.expressions]
        if not values:
            raise _refused(node)
        return sql.SQL("{} in ({})").format(known.term, sql.SQL(", ").join(values))

    def _like(self, node: exp.Expression) -> sql.Composable:
        known = self._field(node.this)
        if known.kind != "text" or not _is_text(node.expression):
            raise _refused(node)
        sign = sql.SQL(_LIKES[type(node)])
        return sql.SQL("{} {} {}").format(known.term, sign, self._bound(node.expression.this))

    def _is(self, node: exp.Is) -> sql.Composable:
        known, what = self._field(node.this), node.expression
        if isinstance(what, exp.Null):
            return sql.SQL("{} is null").format(known.term)
        if isinstance(what, exp.Boolean) and known.kind == "truth":
            return sql.SQL("{} is true" if what.this else "{} is false").format(known.term)
        raise _refused(node)

    def _side(self, node: exp.Expression, kind: Kind) -> sql.Composable:
        """A field or a value of the kind that is compared with."""
        if _is_field(node):
            found = self._field(node)
            if found.kind != kind:
                raise PermanentError(f"{_told(node)} is of another type than what it is compared with.")
            return found.term
        return self._bound(_value(node, kind))

    def _field(self, node: exp.Expression) -> Field:
        if isinstance(node, exp.Paren):
            return self._field(node.this)
        if isinstance(node, exp.Anonymous):
            return self._function(node)
        if not isinstance(node, exp.Column) or node.table:
            raise _refused(node)
        if node.name not in FIELDS:
            raise PermanentError(f"There is no column {node.name!r}.{_nearest(node.name, FIELDS)}")
        return FIELDS[node.name]

    def _function(self, node: exp.Anonymous) -> Field:
        name, words = str(node.this).lower(), node.expressions
        if name not in FUNCTIONS or len(words) != 1 or not _is_text(words[0]):
            raise _refused(node)
        label = words[0].this
        if label not in self.label_ids:
            raise PermanentError(f"There is no label {label!r}.{_nearest(label, self.label_ids)}")
        return Field("number", FUNCTIONS[name].format(self._bound(self.label_ids[label])))

    def _bound(self, value: object) -> sql.Placeholder:
        name = f"w{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


def _is_field(node: exp.Expression) -> bool:
    return isinstance(node.this if isinstance(node, exp.Paren) else node, exp.Column | exp.Anonymous)


def _is_text(node: exp.Expression) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _value(node: exp.Expression, kind: Kind) -> object:
    """A literal as the value it stands for."""
    if isinstance(node, exp.Cast) and kind == "date" and node.is_type("date"):
        node = node.this
    if kind == "truth" and isinstance(node, exp.Boolean):
        return bool(node.this)
    if kind == "text" and _is_text(node):
        if "\0" in node.this:
            raise _refused(node)
        return node.this
    if kind == "number":
        return _number(node)
    if kind == "date" and _is_text(node):
        try:
            return date.fromisoformat(node.this)
        except ValueError:
            raise PermanentError(f"{_told(node)} is no date of the form '2020-12-31'.") from None
    raise PermanentError(f"{_told(node)} is of another type than the {kind} it is compared with.")


def _number(node: exp.Expression) -> float:
    sign = 1
    if isinstance(node, exp.Neg):
        sign, node = -1, node.this
    if not isinstance(node, exp.Literal) or node.is_string:
        raise PermanentError(f"{_told(node)} is no number.")
    value = float(node.this)
    if not math.isfinite(value):
        raise _refused(node)
    return sign * value


def _refused(node: exp.Expr) -> PermanentError:
    return PermanentError(
        f"A selection can't have {_told(node)}: it compares columns and label('…') with values by "
        "=, <>, <, >, in, between, like, is null, joined by and, or, not."
    )


def _told(node: exp.Expr) -> str:
    return node.sql(dialect="postgres")[:80]


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Is {found[0]!r} meant?" if found else ""
