"""Which top-level statements of a notebook must run so that the wanted names exist.

Imports, definitions and the assignments they need are kept, in order; training loops, downloads and plots are
not. Runs behind the wall: parsing hostile text can exhaust the C stack of whoever parses it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Calls that mean work rather than definition. A statement that makes one of them is left out.
HEAVY = frozenset(
    "backward step fit train_model show savefig imshow urlretrieve download_url DataLoader MNIST CIFAR10 CIFAR100 "
    "FashionMNIST SVHN ImageFolder load_dataset load_state_dict_from_url read_csv system sleep input".split()
)
# Settings of torch that definitions may rely on, although they bind no name.
SETTINGS = frozenset("set_default_dtype set_default_device set_default_tensor_type".split())
FILE_MAGICS = ("writefile", "file")
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORT = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Statement:
    """One top-level statement and the cell it stands in."""

    cell: int
    node: ast.stmt


def definitions(statements: list[Statement], names: Iterable[str]) -> list[Statement]:
    """The statements that `names` need, in their order."""
    imported = {name for s in statements if isinstance(s.node, IMPORT) for name in _binds(s.node)}
    needed = set(names)
    kept = {i for i, s in enumerate(statements) if isinstance(s.node, IMPORT) or _is_setting(s.node)}
    bound = [_binds(s.node) | (_changes(s.node) - imported) for s in statements]
    made = {s.node.name for s in statements if isinstance(s.node, DEFINITION)} & needed
    light = [not _is_heavy(s.node) and not _is_use(s.node, made) for s in statements]
    while True:
        more = {i for i in range(len(statements)) if i not in kept and light[i] and bound[i] & needed}
        if not more:
            return [statements[i] for i in sorted(kept)]
        kept |= more
        for i in more:
            needed |= _reads(statements[i].node)


def _reads(node: ast.stmt) -> set[str]:
    """Names that a statement needs, the bodies of its functions included: they run later, on the same globals."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}


def _binds(node: ast.stmt) -> set[str]:
    """Names that a statement binds at the top level. Not recursive: a thousand `elif` are a thousand levels."""
    bound: set[str] = set()
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, DEFINITION):
            bound.add(node.name)
        elif isinstance(node, IMPORT):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            # `Block.forward = f` binds Block anew: whoever needs Block needs this line.
            bound |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        else:
            bound |= {n.target.id for n in _expressions(node) if isinstance(n, ast.NamedExpr)}
            if isinstance(node, ast.For):
                bound |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
            todo.extend(_inner(node))
    return bound


def _changes(node: ast.stmt) -> set[str]:
    """Names whose value a statement changes by calling a method, `layers.append(...)`, or as `@add_to_class(Block)`."""
    if isinstance(node, IMPORT):
        return set()
    if isinstance(node, DEFINITION):
        calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
        return {name.id for call in calls for name in call.args if isinstance(name, ast.Name)}
    return {
        call.func.value.id
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    }


def _inner(node: ast.stmt) -> Iterator[ast.stmt]:
    """Statements inside `if`, `try`, `with` and loops, which run at the top level too."""
    for block in ("body", "orelse", "finalbody"):
        yield from getattr(node, block, [])
    for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
        yield from part.body


def _expressions(node: ast.stmt) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from (n for n in ast.walk(child) if isinstance(n, ast.expr))


def _called(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            function = call.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""), call


def _is_heavy(node: ast.stmt) -> bool:
    if isinstance(node, (*DEFINITION, *IMPORT)):
        return False
    if isinstance(node, ast.While):
        return True
    return any(
        name in HEAVY or any(keyword.arg == "download" for keyword in call.keywords) for name, call in _called(node)
    )


def _is_use(node: ast.stmt, made: set[str]) -> bool:
    """`Block = Block(64, 64)`: one of the names that have a definition, used up."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in made & _binds(node)
    )


def _is_setting(node: ast.stmt) -> bool:
    """Does it bind no name, and yet definitions may need it: torch's settings, files that are imported later?"""
    if not isinstance(node, ast.Expr):
        return False
    return any(name in SETTINGS or is_file_magic(name, call) for name, call in _called(node))


def is_file_magic(name: str, call: ast.Call) -> bool:
    """`%%writefile block.py`, as IPython writes it in Python."""
    magic = call.args[0] if call.args else None
    return name == "run_cell_magic" and isinstance(magic, ast.Constant) and magic.value in FILE_MAGICS
