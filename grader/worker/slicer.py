"""Which top-level statements of a notebook must run so that the wanted names exist.

Imports, definitions and the assignments they need are kept, in order; training loops, downloads and plots are
not. Runs behind the wall: parsing hostile text can exhaust the C stack of whoever parses it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grader.worker.changes import DEFINITION, FUNCTION, IMPORT, Function, binds, changes, code_in, root

# Calls that mean work rather than definition. A statement that makes one of them is left out.
HEAVY = frozenset(
    "backward step fit train_model show savefig imshow urlretrieve download_url DataLoader MNIST CIFAR10 CIFAR100 "
    "FashionMNIST SVHN ImageFolder load_dataset load_state_dict_from_url read_csv system sleep input".split()
)
# Settings of torch that definitions may rely on, although they bind no name.
SETTINGS = frozenset("set_default_dtype set_default_device set_default_tensor_type".split())
FILE_MAGICS = ("writefile", "file")


@dataclass(frozen=True)
class Statement:
    """One top-level statement and the cell it stands in."""

    cell: int
    node: ast.stmt


def definitions(statements: list[Statement], names: Iterable[str]) -> list[Statement]:
    """The statements that `names` need, in their order."""
    imported = {name for s in statements if isinstance(s.node, IMPORT) for name in binds(s.node)}
    functions = {s.node.name: s.node for s in statements if isinstance(s.node, FUNCTION)}
    needed = set(names)
    bound = [binds(s.node) | (changes(s.node, functions) - imported) for s in statements]
    made = {s.node.name for s in statements if isinstance(s.node, DEFINITION)} & needed
    light = [not _is_heavy(s.node, functions) and not _is_use(s.node, made) for s in statements]
    settings = {i for i, s in enumerate(statements) if light[i] and _is_setting(s.node, imported)}
    kept = {i for i, s in enumerate(statements) if isinstance(s.node, IMPORT)} | settings
    more = settings
    while True:
        for i in more:
            needed |= _reads(statements[i].node)
        more = {i for i in range(len(statements)) if i not in kept and light[i] and bound[i] & needed}
        if not more:
            return [statements[i] for i in sorted(kept)]
        kept |= more


def _reads(node: ast.stmt) -> set[str]:
    """Names that a statement needs, the bodies of its functions included: they run later, on the same globals."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}
    in_text = [inner for call in ast.walk(node) if isinstance(call, ast.Call) for inner in code_in(call)]
    return found.union(*map(_reads, in_text))


def _called(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            function = call.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""), call


def _is_heavy(node: ast.stmt, functions: Mapping[str, Function]) -> bool:
    if isinstance(node, (*DEFINITION, *IMPORT)):
        return False
    if isinstance(node, ast.While):
        return True
    return any(_is_work(name, call, functions) for name, call in _called(node))


def _is_work(name: str, call: ast.Call, functions: Mapping[str, Function]) -> bool:
    """Of the notebook's own functions, what they call says so and not how they are called: `step(Block)`."""
    if any(keyword.arg == "download" for keyword in call.keywords):
        return True
    if isinstance(call.func, ast.Name) and name in functions:
        return any(inner in HEAVY for inner, _ in _called(functions[name]) if inner not in functions)
    return name in HEAVY


def _is_use(node: ast.stmt, made: set[str]) -> bool:
    """`Block = Block(64, 64)`: one of the names that have a definition, used up."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in made & binds(node)
    )


def _is_setting(node: ast.stmt, imported: set[str]) -> bool:
    """Does it bind no name, and yet definitions may need it: torch's settings, files that are imported later, another
    function in the place of a library's (`F.relu = F.gelu`)?"""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and root(target) in imported for target in node.targets)
    if not isinstance(node, ast.Expr):
        return False
    return any(name in SETTINGS or is_file_magic(name, call) for name, call in _called(node))


def is_file_magic(name: str, call: ast.Call) -> bool:
    """`%%writefile block.py`, as IPython writes it in Python."""
    magic = call.args[0] if call.args else None
    return name == "run_cell_magic" and isinstance(magic, ast.Constant) and magic.value in FILE_MAGICS
