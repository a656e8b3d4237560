"""The wrongs: each changes one place of one function, as a slip of the hand would.

Texts are left alone: the cases hold messages to their last word, and a table of words has no
behaviour of its own. So are annotations, default values, decorators, and what a module computes
when it is imported.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_DROPPED = (ast.Expr, ast.AugAssign, ast.Return, ast.Continue, ast.Break, ast.Raise)
_FUNCTIONS = (ast.FunctionDef, ast.Lambda)

Edit = Callable[[], None]
"""Makes the wrong in the tree."""
Wrong = tuple[ast.AST, Edit, str]
"""The node whose text shows what was there, the edit, and what is there then if not its text."""
_LEFT_OUT = "left out"
_TURNED = "turned round"


@dataclass(frozen=True)
class Mutant:
    """One wrong: where, what was there, what is there instead; `number` tells equal ones apart."""

    file: str
    function: str
    before: str
    after: str
    number: int
    position: int

    @property
    def id(self) -> str:
        """What people and `judged.yaml` call it."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.file} {self.function}: {self.before} -> {self.after}{again}"


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    found: list[Mutant] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for position, (function, node, edit, said) in enumerate(_edits(ast.parse(source))):
        before = _text(node)
        edit()
        after = said or _text(node)
        _undo()
        key = (function, before, after)
        seen[key] += 1
        found.append(Mutant(file, function, before, after, seen[key], position))
    return found


def mutated(mutant: Mutant, source: str) -> ast.Module:
    """The module with the wrong in it."""
    tree = ast.parse(source)
    for position, (_function, _node, edit, _said) in enumerate(_edits(tree)):
        if position == mutant.position:
            edit()
            break
    return ast.fix_missing_locations(tree)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"


_UNDONE: list[tuple[ast.AST, str, object]] = []


def _set(node: ast.AST, field: str, value: object) -> None:
    _UNDONE.append((node, field, getattr(node, field)))
    setattr(node, field, value)


def _undo() -> None:
    while _UNDONE:
        node, field, value = _UNDONE.pop()
        setattr(node, field, value)


def _edits(tree: ast.Module) -> Iterator[tuple[str, ast.AST, Edit, str]]:
    """Functions and their wrongs, always in the same order."""
    yield from _within(tree, "", inside=False)


def _within(node: ast.AST, name: str, *, inside: bool) -> Iterator[tuple[str, ast.AST, Edit, str]]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        name = f"{name}.{node.name}" if name else node.name
    if isinstance(node, _FUNCTIONS):
        body = node.body if isinstance(node.body, list) else [node.body]
        if isinstance(node, ast.FunctionDef):
            yield from ((name, *wrong) for wrong in _drops(node, "body"))
        for part in body:
            yield from _within(part, name or "lambda", inside=True)
        return
    if inside:
        yield from ((name, *wrong) for wrong in _of_node(node))
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "decorator_list", "returns", "pattern"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _within(part, name, inside=inside)


def _of_node(node: ast.AST) -> Iterator[Wrong]:
    """The wrongs that one node can have."""
    match node:
        case ast.Compare(ops=ops):
            for at, operator in enumerate(ops):
                changed = [*ops[:at], _COMPARED[type(operator)](), *ops[at + 1 :]]
                yield node, lambda changed=changed: _set(node, "ops", changed), ""  # type: ignore[misc]
        case ast.BoolOp(op=joined):
            other = ast.Or() if isinstance(joined, ast.And) else ast.And()
            yield node, lambda: _set(node, "op", other), ""
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            twice = ast.UnaryOp(ast.Not(), operand)
            yield node, lambda: _set(node, "operand", twice), ""
        case ast.BinOp(op=computed) | ast.AugAssign(op=computed) if type(computed) in _COMPUTED:
            yield node, lambda: _set(node, "op", _COMPUTED[type(computed)]()), ""
        case ast.Constant(value=bool(value)):
            yield node, lambda: _set(node, "value", not value), ""
        case ast.Constant(value=int(value)):
            yield node, lambda: _set(node, "value", value + 1), ""
        case ast.Call(func=ast.Name(id=called)) if called in _CALLED:
            yield node, lambda: _set(node, "func", ast.Name(_CALLED[called], ast.Load())), ""
        case ast.Match(cases=cases) if len(cases) > 1:
            for at in range(len(cases)):
                left = [*cases[:at], *cases[at + 1 :]]
                said = f"without case {at + 1}"
                yield node, lambda left=left: _set(node, "cases", left), said  # type: ignore[misc]
    yield from _conditions(node)
    for field in ("body", "orelse"):
        yield from _drops(node, field)


def _conditions(node: ast.AST) -> Iterator[Wrong]:
    """Conditions that are no comparison are turned round."""
    if isinstance(node, ast.If | ast.While | ast.IfExp) and _is_plain(node.test):
        turned = ast.UnaryOp(ast.Not(), node.test)
        yield node.test, lambda: _set(node, "test", turned), _TURNED
    if isinstance(node, ast.comprehension):
        for at, condition in enumerate(node.ifs):
            if _is_plain(condition):
                turned = ast.UnaryOp(ast.Not(), condition)
                ifs = [*node.ifs[:at], turned, *node.ifs[at + 1 :]]
                yield condition, lambda ifs=ifs: _set(node, "ifs", ifs), _TURNED  # type: ignore[misc]


def _is_plain(condition: ast.expr) -> bool:
    turned = isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not)
    return not turned and not isinstance(condition, ast.Compare | ast.BoolOp)


def _drops(node: ast.AST, field: str) -> Iterator[Wrong]:
    """Statements that are left out; not the last of a function, which is what it is for."""
    statements = getattr(node, field, None)
    if not isinstance(statements, list):
        return
    for at, statement in enumerate(statements):
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_result = isinstance(node, ast.FunctionDef) and isinstance(statement, ast.Return)
        if not isinstance(statement, _DROPPED) or is_text or is_result:
            continue
        left = [*statements[:at], ast.Pass(), *statements[at + 1 :]]
        yield statement, lambda left=left: _set(node, field, left), _LEFT_OUT  # type: ignore[misc]
