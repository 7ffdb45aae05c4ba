"""The Python of a notebook, by its syntax alone: what it defines, what that needs, how tests call it."""

from __future__ import annotations

import ast
import builtins
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from grader.stripping.markers import is_marker
from grader.stripping.python import as_python, parse

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__"}


@dataclass(frozen=True)
class Defined:
    """A name that a notebook binds at the left margin.

    Attributes:
        source: the text of the whole statement.
    """

    name: str
    cell: int
    node: ast.stmt
    source: str

    @property
    def kind(self) -> str:
        if isinstance(self.node, ast.FunctionDef):
            return "function"
        if isinstance(self.node, ast.ClassDef):
            return "module" if _is_module(self.node) else "class"
        return "import" if isinstance(self.node, ast.Import | ast.ImportFrom) else "value"

    @property
    def value(self) -> object:
        """What a variable is bound to, where that is written out; else None."""
        try:
            return ast.literal_eval(self.node.value) if isinstance(self.node, ast.Assign) else None
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None

    @property
    def unfinished(self) -> bool:
        """Is it a skeleton that students are to fill?"""
        return any(_is_stub(each) for each in ast.walk(self.node) if isinstance(each, ast.FunctionDef))


@dataclass
class Notebook:
    """What the cells of a notebook define; the last definition of a name counts, as it does when they are run."""

    defined: dict[str, Defined] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Iterable[tuple[int, str]]) -> Notebook:
        """Of the number and source of each cell."""
        found = cls()
        for number, source in cells:
            for each in _defined(number, source):
                found.defined.pop(each.name, None)  # the order is that of the last definitions
                found.defined[each.name] = each
        return found

    def in_cells(self, numbers: Sequence[int]) -> list[Defined]:
        return [each for each in self.defined.values() if each.cell in numbers and each.kind != "import"]

    def needs(self, name: str) -> tuple[list[Defined], list[str]]:
        """What a definition needs to be run elsewhere, itself included and in the notebook's order; and what it needs
        that cannot be had: names that nothing defines, and packages that are not installed."""
        needed: dict[str, Defined] = {}
        missing: dict[str, None] = {}
        todo = [name]
        while todo:
            known = self.defined.get(wanted := todo.pop())
            if known is None or (known.kind == "value" and known.value is None):
                missing[wanted] = None
            elif known.name not in needed:
                needed[known.name] = known
                if known.kind == "import":
                    missing.update((package, None) for package in _packages(known.node) if not _is_installed(package))
                elif known.kind != "value":
                    todo += free_names(known.node)
        order = list(self.defined)
        return sorted(needed.values(), key=lambda each: order.index(each.name)), list(missing)


def calls_of(name: str, parameters: Sequence[str], source: str) -> tuple[list[dict[str, object]], int]:
    """Calls of a function in a test that must return: the arguments of those of which all are written out, and how many
    others there are."""
    tree = parse(source)
    if tree is None:
        return [], 0
    found: list[dict[str, object]] = []
    others = 0
    for call in _calls(tree, name):
        arguments = _arguments(call, parameters)
        if arguments is None:
            others += 1
        elif arguments not in found:
            found.append(arguments)
    return found, others


def mentioned(source: str) -> list[str]:
    """Names that a test uses, in the order of the text: also arguments of test functions, and `env["name"]`."""
    tree = parse(source)
    if tree is None:
        return []
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.append((node.lineno, node.col_offset, node.id))
        elif isinstance(node, ast.arg):
            found.append((node.lineno, node.col_offset, node.arg))
        elif isinstance(node, ast.expr) and (name := _from_env(node)):
            found.append((node.lineno, node.col_offset, name))
    return list(dict.fromkeys(name for _, _, name in sorted(found)))


def _from_env(node: ast.AST) -> str:
    """The name that `env["name"]` stands for; otter gives its tests all that a student has defined."""
    match node:
        case ast.Subscript(value=ast.Name(id="env"), slice=ast.Constant(value=str(name))):
            return name
    return ""


def called(source: str) -> set[str]:
    """Names that a test calls."""
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else iter(())
    return {_called_name(node) or _from_env(node.func) for node in nodes if isinstance(node, ast.Call)} - {""}


def own_names(source: str) -> set[str]:
    """Names that a test binds itself, or that are Python's own."""
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else iter(())
    return {"env", *_BUILTINS} | {name for node in nodes for name in _bound(node) if not isinstance(node, ast.arg)}


def parameters_of(node: ast.stmt) -> list[str]:
    """Those of a function that are given by position."""
    if not isinstance(node, ast.FunctionDef):
        return []
    return [each.arg for each in [*node.args.posonlyargs, *node.args.args]]


def free_names(node: ast.AST) -> list[str]:
    """Names that a definition takes from around it."""
    bound = {name for each in ast.walk(node) for name in _bound(each)}
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    return sorted(used - bound - _BUILTINS)


# ---------------------------------------------------------------------- statements


def _defined(number: int, source: str) -> Iterator[Defined]:
    tree = parse(source)
    if tree is None:
        return
    text = source if _same_lines(source) else as_python(source)
    for node in tree.body:
        for name in _names(node):
            yield Defined(name, number, node, _segment(text, node))


def _same_lines(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _segment(text: str, node: ast.stmt) -> str:
    """The lines of a statement, decorators included, and markers left out."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    lines = text.split("\n")[first - 1 : node.end_lineno]
    plain = "\n".join(line for line in lines if not is_marker(line))
    return plain if parse(plain) is not None else "\n".join(lines)


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            yield from ((alias.asname or alias.name.split(".")[0]) for alias in node.names if alias.name != "*")
        case ast.Assign(targets=targets):
            yield from (each.id for each in targets if isinstance(each, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            yield from ((alias.asname or alias.name.split(".")[0]) for alias in node.names)
        case ast.ExceptHandler(name=str(name)):
            yield name


def _is_module(node: ast.ClassDef) -> bool:
    bases = [ast.unparse(base) for base in node.bases]
    return any(base.split(".")[-1] in ("Module", "Sequential") for base in bases)


def _is_stub(node: ast.FunctionDef) -> bool:
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    raised = [each.exc for each in body if isinstance(each, ast.Raise) and each.exc is not None]
    return all(isinstance(each, ast.Pass | ast.Raise) for each in body) and (
        not raised or any("NotImplementedError" in ast.unparse(each) for each in raised)
    )


def _packages(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        # From its own neighbours: they are not there.
        yield node.module.split(".")[0] if node.module and not node.level else "."


def _is_installed(package: str) -> bool:
    """By looking for its file: it is not imported."""
    try:
        return package != "." and importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


# ---------------------------------------------------------------------- calls


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Calls that are to return: none in a `with` or a `try`, where an exception may be what is expected."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With | ast.Try | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and name in (_called_name(node), _from_env(node.func)):
            yield node
        yield from _calls(node, name)


def _called_name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _arguments(call: ast.Call, parameters: Sequence[str]) -> dict[str, object] | None:
    """By the names of the parameters and in their order; None, where one is not written out, or cannot be given so."""
    if len(call.args) > len(parameters):
        return None
    given = dict(zip(parameters, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in parameters or keyword.arg in given:
            return None
        given[keyword.arg] = keyword.value
    if list(given) != list(parameters)[: len(given)]:
        given = {name: given[name] for name in parameters if name in given}
        if list(given) != list(parameters)[: len(given)]:
            return None
    try:
        values = {name: ast.literal_eval(node) for name, node in given.items()}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return values if all(map(_is_plain, values.values())) else None


def _is_plain(value: object) -> bool:
    """Can an assignment hold it as an argument?"""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, bool | int | str)
