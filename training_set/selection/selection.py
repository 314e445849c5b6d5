"""Parse a selection, written as an SQL condition, and rebuild it from allowed parts.

The user's text never reaches the database. It is parsed, every node is checked against a list of allowed
nodes, and a new condition is built from known names and placeholders.
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

_MAX_CHARACTERS = 20_000
_MAX_DEPTH = 50
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
    """A condition on an image for use in a query."""

    text: sql.Composable
    values: Mapping[str, Any]  # by placeholder


def full_selection(where: str) -> str:
    """Add the defaults, good images and no localizers, for columns that the selection doesn't use."""
    condition = _parsed(where) if where.strip() else None
    named = {column.name for column in condition.find_all(exp.Column)} if condition else set()
    parts = [text for name, text in _DEFAULTS.items() if name not in named]
    own = [f"({where.strip()}\n)" if "--" in where else f"({where.strip()})"] if condition else []
    return " and ".join([*own, *parts]) or "true"


def asks_for_labels(query: str) -> bool:
    """Whether a selection has a condition on labels or their annotators."""
    nodes = [*_parsed(query).find_all(exp.Column, exp.Anonymous)]
    names = {node.name if isinstance(node, exp.Column) else str(node.this).lower() for node in nodes}
    return not names.isdisjoint({"label", "labels", "annotators"})


def parse_selection(where: str, label_ids: Mapping[str, int]) -> Condition:
    """Return the condition of a selection. `label_ids` holds all labels by name.

    Raises PermanentError with the reason if anything in the selection isn't allowed.
    """
    writer = _Writer(label_ids)
    text = writer.boolean(_parsed(where), 0)
    return Condition(text, writer.values)


def _parsed(where: str) -> exp.Expression:
    if len(where) > _MAX_CHARACTERS:
        raise PermanentError(f"The selection is longer than {_MAX_CHARACTERS} characters.")
    try:
        found = sqlglot.parse(f"select 1 where {where}", dialect="postgres")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PermanentError(f"The selection can't be parsed: {_first_line(error)}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        raise PermanentError("The selection must be one condition, without ; or a query of its own.")
    query = found[0]
    clauses = {name for name, part in query.args.items() if part} - {"expressions", "where", "kind"}
    if clauses or len(query.expressions) != 1:
        raise PermanentError(
            f"The selection must be one condition; it can't have {', '.join(sorted(clauses))}."
        )
    condition: exp.Expression = query.args["where"].this
    for node in condition.walk():
        # An argument that is ignored below, such as SYMMETRIC or NOT, would change the meaning.
        if {name for name, part in node.args.items() if part} - _PARTS:
            raise _refused(node)
    return condition


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).replace("\x1b[4m", "").replace("\x1b[0m", "").splitlines() if line]
    return lines[0].split(" Line 1")[0] if lines else "it is nested too deeply"


@dataclass
class _Writer:
    """Builds a condition from a parsed tree, node by node."""

    label_ids: Mapping[str, int]
    values: dict[str, Any] = field(default_factory=dict)

    def boolean(self, node: exp.Expression, depth: int) -> sql.Composable:
        """Return the SQL of a boolean node."""
        if depth > _MAX_DEPTH:
            raise PermanentError("The selection is nested too deeply.")
        if isinstance(node, exp.Paren):
            return self.boolean(node.this, depth + 1)
        if isinstance(node, exp.Not):
            return sql.SQL("not ({})").format(self.boolean(node.this, depth + 1))
        if type(node) in _JOINS:
            return self._joined(node, depth)
        write = self._writers().get(type(node))
        if write is None:
            raise _refused(node)
        term = write(node)
        return sql.SQL("not ({})").format(term) if node.args.get("negate") else term

    def _writers(self) -> dict[type[exp.Expression], Callable[[Any], sql.Composable]]:
        """Return the methods for all allowed nodes except brackets, and, or and not."""
        return {
            **dict.fromkeys(_COMPARISONS, self._compared),
            **dict.fromkeys(_LIKES, self._like),
            exp.Between: self._between,
            exp.In: self._in,
            exp.Is: self._is,
            exp.Boolean: lambda node: sql.SQL("true" if node.this else "false"),
            exp.Column: self._boolean_column,
        }

    def _boolean_column(self, node: exp.Column) -> sql.Composable:
        """Return a boolean column that is used as a condition."""
        known = self._field(node)
        if known.kind != "boolean":
            raise _refused(node)
        return known.term

    def _joined(self, node: exp.Expression, depth: int) -> sql.Composable:
        """Return a chain of and or or, without recursion over its length."""
        kind, parts, rest = type(node), [], node
        while isinstance(rest, kind):
            parts.append(rest.expression)
            rest = rest.this
        terms = [sql.SQL("({})").format(self.boolean(part, depth + 1)) for part in [rest, *reversed(parts)]]
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
        known, value = self._field(node.this), node.expression
        if isinstance(value, exp.Null):
            return sql.SQL("{} is null").format(known.term)
        if isinstance(value, exp.Boolean) and known.kind == "boolean":
            return sql.SQL("{} is true" if value.this else "{} is false").format(known.term)
        raise _refused(node)

    def _side(self, node: exp.Expression, kind: Kind) -> sql.Composable:
        """Return a field or a bound value of the kind that it is compared with."""
        if _is_field(node):
            found = self._field(node)
            if found.kind != kind:
                raise PermanentError(f"{_source(node)} has another type than what it is compared with.")
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
    """Return the value of a literal."""
    if isinstance(node, exp.Cast) and kind == "date" and node.is_type("date"):
        node = node.this
    if kind == "boolean" and isinstance(node, exp.Boolean):
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
            raise PermanentError(f"{_source(node)} is not a date of the form '2020-12-31'.") from None
    raise PermanentError(f"{_source(node)} has another type than the {kind} that it is compared with.")


def _number(node: exp.Expression) -> float:
    sign = 1
    if isinstance(node, exp.Neg):
        sign, node = -1, node.this
    if not isinstance(node, exp.Literal) or node.is_string:
        raise PermanentError(f"{_source(node)} is not a number.")
    value = float(node.this)
    if not math.isfinite(value):
        raise _refused(node)
    return sign * value


def _refused(node: exp.Expr) -> PermanentError:
    return PermanentError(
        f"A selection can't have {_source(node)}. It compares columns and label('…') with values by "
        "=, <>, <, >, in, between, like, is null, joined by and, or, not."
    )


def _source(node: exp.Expr) -> str:
    return node.sql(dialect="postgres")[:80]


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {found[0]!r}?" if found else ""
