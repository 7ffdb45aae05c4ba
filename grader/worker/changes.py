"""Which names a top-level statement binds, and whose values it changes. Runs behind the wall, as the slicer does."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITION = (*FUNCTION, ast.ClassDef)
IMPORT = (ast.Import, ast.ImportFrom)
SETTERS = ("setattr", "delattr", "__setattr__", "__delattr__")  # change their first argument


def binds(node: ast.stmt) -> set[str]:
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


def changes(node: ast.stmt, functions: Mapping[str, Function]) -> set[str]:
    """Names whose value a statement changes without binding them: by a method, `layers.append(...)`; by `setattr`; by
    a function of the notebook that changes what it is given, or its globals; as `@add_to_class(Block)` does.

    Args:
        functions: those that the notebook defines at the top level.
    """
    if isinstance(node, IMPORT):
        return set()
    if isinstance(node, DEFINITION):
        return _decorated(node, functions)
    return {name for call in ast.walk(node) if isinstance(call, ast.Call) for name in _by_call(call, functions)}


def _decorated(node: Function | ast.ClassDef, functions: Mapping[str, Function]) -> set[str]:
    """What decorators are given, and what the annotations name, in which some look for a class."""
    given = [part for call in node.decorator_list if isinstance(call, ast.Call) for part in _arguments(call)]
    names = {decorator.id for decorator in node.decorator_list if isinstance(decorator, ast.Name)}
    if isinstance(node, FUNCTION) and any(name in functions and _changes_given(functions[name]) for name in names):
        given += [argument.annotation for argument in node.args.args if argument.annotation is not None]
    return {part.id for part in given if isinstance(part, ast.Name)}


def _by_call(call: ast.Call, functions: Mapping[str, Function]) -> Iterator[str]:
    called = call.func
    if isinstance(called, ast.Attribute):
        yield root(called)
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    if name in SETTERS:
        yield from (part.id for part in call.args[:1] if isinstance(part, ast.Name))
    elif name in functions:
        yield from (each for node in ast.walk(functions[name]) if isinstance(node, ast.Global) for each in node.names)
        if _changes_given(functions[name]):
            yield from (part.id for part in _arguments(call) if isinstance(part, ast.Name))
    else:
        yield from (each for statement in code_in(call) for each in binds(statement))


def annotated(node: ast.stmt) -> set[str]:
    """Names in the annotations of a statement and of what is in it."""
    found: set[str] = set()
    for each in ast.walk(node):
        for field in ("annotation", "returns"):
            part = getattr(each, field, None)
            found |= {n.id for n in ast.walk(part) if isinstance(n, ast.Name)} if part is not None else set()
    return found


def root(node: ast.expr) -> str:
    """The name with which an attribute, or an item of one, begins: `config` of `config["conv"].kernel`; "" if none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _changes_given(function: Function) -> bool:
    """Does a function write to attributes or items, and so perhaps to those of its arguments?"""
    return any(
        (isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Name) and node.id in SETTERS)
        or (isinstance(node, ast.Attribute) and node.attr in SETTERS)
        for node in ast.walk(function)
    )


def code_in(call: ast.Call) -> list[ast.stmt]:
    """The code that `exec("...")` runs."""
    is_exec = isinstance(call.func, ast.Name) and call.func.id == "exec"
    text = call.args[0].value if is_exec and call.args and isinstance(call.args[0], ast.Constant) else None
    try:
        return ast.parse(text).body if isinstance(text, str) else []
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []


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
