"""A recorded graph as the steps that people think in: parameters belong to their layer, what only moves numbers goes
without saying, arithmetic that is one thing is one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from grader.graph import Graph, Node
from grader.illustrate.operations import MOST_LETTERS, Words, show, words_of
from grader.judge.anatomy import COMBINATIONS, SUMS, Anatomy, anatomy, ancestors
from grader.judge.forms import Form
from grader.judge.formula import SILENT
from grader.judge.right_forms import BIAS_WITH
from grader.judge.uses import is_weighted
from grader.language import say, spoken
from grader.observation import Operation
from grader.pictures import MOST_STEPS, Flow, Step

MOST_NODES = 600  # of a graph that is drawn
MOST_DIMENSIONS = 8
VIEWING = frozenset("view _unsafe_view squeeze unsqueeze expand slice select alias".split())
NOTHING = frozenset("zeros_like ones_like empty_like new_zeros new_ones new_full full_like".split())  # reads no values
COMPARING = frozenset("gt ge lt le ne eq".split())  # masks: what they are multiplied with tells
# Arithmetic of which a hand-written norm, or a scaling, is made.
WEAK = frozenset("add sub rsub mul div mean var sum sqrt rsqrt pow square reciprocal neg abs exp log std".split())
FEWEST_WEAK = 3  # operations that are drawn as one


@dataclass
class Drawn:
    """Steps with what they were made of.

    Attributes:
        owner: the step that a node belongs to.
        keys: for each step, the parameters that it uses.
    """

    flow: Flow
    owner: dict[int, int]
    keys: list[list[str]]

    def step_at(self, node: int) -> int | None:
        """The step that a node belongs to."""
        return self.owner.get(node)


@dataclass
class _Draft:
    """A step while it grows."""

    words: Words
    node: Node
    reads: list[int]
    keys: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def is_weak(self) -> bool:
        return self.node.name in WEAK and self.words.kind in ("other", "pool", "join")


def drawn(graph: Graph | None, inside: str = "") -> Drawn | None:
    """The steps of a graph; None where it is no use, or more than a drawing holds.

    Args:
        inside: the module that it is a part of, which its layers' names need not repeat.
    """
    if graph is None or len(graph.nodes) > MOST_NODES or not graph.is_sound:
        return None
    try:
        x = graph.input.id
    except LookupError:
        return None
    nodes = graph.by_id
    wanted = ancestors(graph, graph.output)
    drafts = [_Draft(Words(say("input"), "", "input"), nodes[x], [], [], [nodes[x]])]
    owner = {x: 0}
    parts = anatomy(graph, SUMS) or anatomy(graph, COMBINATIONS)
    users = graph.users
    for node in graph.nodes:
        if node.leaf is None and node.id in wanted:
            _add(node, nodes, users, drafts, owner)
    if graph.output not in owner:
        return None
    joins = {parts.join} if parts is not None else set()
    drafts, owner = _grouped(drafts, owner, {owner[i] for i in joins if i in owner})
    if len(drafts) > MOST_STEPS:
        return None
    skip = _skip(graph, nodes, owner, parts) if parts is not None else (set(), set())
    steps = tuple(_step(draft, number in skip[0], inside) for number, draft in enumerate(drafts))
    return Drawn(Flow(steps=steps, skips=tuple(sorted(skip[1]))), owner, [draft.keys for draft in drafts])


def with_failure(graph: Graph | None, operation: Operation | None) -> Graph | None:
    """What ran until something raised, and behind it the operation that did."""
    if graph is None or operation is None or not graph.is_sound:
        return None
    known = {node.id for node in graph.nodes}
    if not operation.nodes or not known.issuperset(operation.nodes):
        return None
    broken = Node(
        id=max(known) + 1,
        op=operation.op,
        args=[{"v": i} for i in operation.nodes],
        module=operation.module,
        cell=operation.cell,
        line=operation.line,
    )
    return Graph.model_construct(nodes=[*graph.nodes, broken], output=broken.id)


_drawn: WeakKeyDictionary[Form, dict[str, Drawn | None]] = WeakKeyDictionary()  # by language


def drawn_form(form: Form) -> Drawn | None:
    """The steps of the reference, at the size at which modules are recorded; kept."""
    kept = _drawn.setdefault(form, {})
    if spoken() not in kept:
        kept[spoken()] = drawn(form.graph(train=False, shape=(2, *form.case.input)))
    return kept[spoken()]


def _add(
    node: Node, nodes: dict[int, Node], users: dict[int, list[Node]], drafts: list[_Draft], owner: dict[int, int]
) -> None:
    """One more operation: a step of its own, or a part of the step before."""
    reads = list(dict.fromkeys(owner[i] for i in node.inputs if i in owner))
    if not reads or node.name in NOTHING:
        return  # does not depend on the input: a parameter seen in another way
    before = drafts[reads[0]]
    is_stack = before.node.name == "stack" and not before.words.sign
    if node.name == "sum" and is_stack and len(users[before.node.id]) == 1:
        before.words = Words(say("add"), say("stack, then sum"), "join", "+")
        owner[node.id] = reads[0]
        before.nodes.append(node)
        return
    keys = _keys(node, nodes, owner)
    is_silent = (node.name in SILENT and node.name not in VIEWING) or node.name in COMPARING
    is_silent = is_silent or (node.name in VIEWING and _same_shape(node, nodes, owner))
    if len(reads) == 1 and (is_silent or _is_bias(node, nodes, before, users)):
        owner[node.id] = reads[0]
        before.keys += keys
        before.nodes.append(node)
        return
    owner[node.id] = len(drafts)
    drafts.append(_Draft(words_of(node, nodes, len(reads)), node, reads, keys, [node]))


def _same_shape(node: Node, nodes: dict[int, Node], owner: dict[int, int]) -> bool:
    given = next((nodes[i].shape for i in node.inputs if i in owner), [])
    return not node.shape or given == node.shape


def _is_bias(node: Node, nodes: dict[int, Node], before: _Draft, users: dict[int, list[Node]]) -> bool:
    """Does it add a vector of parameters to what a layer gives, which nothing else reads?"""
    if node.name != "add" or before.words.kind != "layer" or len(set(node.inputs)) != 2:
        return False
    return bool(_keys(node, nodes, {})) and len(users[before.nodes[-1].id]) == 1


def _keys(node: Node, nodes: dict[int, Node], owner: dict[int, int]) -> list[str]:
    """The parameters that an operation uses, through views and the like."""
    found: list[str] = []
    todo = [i for i in node.inputs if i not in owner]
    for i in todo[:MOST_STEPS]:
        other, budget = nodes[i], MOST_DIMENSIONS
        while other.leaf is None and other.inputs and budget:
            other, budget = nodes[other.inputs[0]], budget - 1
        if other.leaf is not None and (other.leaf.kind == "parameter" or other.leaf.learnable):
            found.append(other.leaf.key)
    return found


def _grouped(drafts: list[_Draft], owner: dict[int, int], joins: set[int]) -> tuple[list[_Draft], dict[int, int]]:
    """Arithmetic that lies between one value and one other is one step."""
    groups = _runs(drafts, joins)
    if not groups:
        return drafts, owner
    into = {number: min(group) for group in groups for number in group}
    number_of: dict[int, int] = {}
    merged: list[_Draft] = []
    for number, draft in enumerate(drafts):
        target = into.get(number, number)
        if target != number:
            number_of[number] = number_of[target]
            kept = merged[number_of[target]]
            kept.keys += draft.keys
            kept.nodes += draft.nodes
            kept.node = draft.node
            continue
        number_of[number] = len(merged)
        reads = list(dict.fromkeys(number_of[i] for i in draft.reads))
        words = draft.words
        if number in into:
            members = next(group for group in groups if number in group)
            names = [drafts[i].node.name for i in members]
            made_norm = {"sub", "rsub"} & set(names) and {"div", "rsqrt", "sqrt", "mul"} & set(names)
            said = ", ".join(dict.fromkeys(names))[:MOST_LETTERS]
            words = Words(say("norm, by hand"), said, "norm") if made_norm else Words(say("arithmetic"), said, "other")
        merged.append(_Draft(words, draft.node, reads, list(draft.keys), list(draft.nodes)))
    return merged, {node: number_of[number] for node, number in owner.items()}


def _runs(drafts: list[_Draft], joins: set[int]) -> list[list[int]]:
    """Runs of arithmetic steps that read one step in front of them, and of which only the last is read behind."""
    readers: dict[int, set[int]] = {number: set() for number in range(len(drafts))}
    for number, draft in enumerate(drafts):
        for i in draft.reads:
            readers[i].add(number)
    found: list[list[int]] = []
    run: list[int] = []
    for number in range(1, len(drafts) + 1):
        fits = number < len(drafts) and drafts[number].is_weak and number not in joins
        if fits and run:
            entries = {i for member in [*run, number] for i in drafts[member].reads if i < run[0]}
            fits = len(entries) == 1
        if fits:
            run.append(number)
            continue
        if len(run) >= FEWEST_WEAK and all(readers[member] <= set(run) for member in run[:-1]):
            found.append(run)
        run = [number] if number < len(drafts) and drafts[number].is_weak and number not in joins else []
    return found


def _skip(
    graph: Graph, nodes: dict[int, Node], owner: dict[int, int], parts: Anatomy
) -> tuple[set[int], set[tuple[int, int]]]:
    """Steps and edges of the skip path; none where the other side is no branch of layers."""
    if parts.join not in owner:
        return set(), set()
    shortcut, branch = ancestors(graph, parts.shortcut), ancestors(graph, parts.branch)
    if not any(is_weighted(nodes[i], nodes) for i in branch - shortcut):
        return set(), set()
    of_branch = {owner[i] for i in branch if i in owner}
    steps = {owner[i] for i in shortcut - branch if i in owner} - of_branch
    join = owner[parts.join]
    steps.discard(join)
    edges: set[tuple[int, int]] = set()
    end = owner.get(parts.shortcut)
    if end is None or end == join:
        return set(), set()
    edges.add((end, join))
    for node in graph.nodes:
        number = owner.get(node.id)
        if number in steps and number is not None:
            edges |= {(owner[i], number) for i in node.inputs if i in owner and owner[i] != number}
    return steps, edges


def _step(draft: _Draft, on_skip: bool, inside: str) -> Step:
    node = draft.nodes[-1]
    made = draft.node
    layer = made.module or ""
    if not layer and draft.keys:
        layer = layer_of(draft.keys[0])
    layer = "" if layer == inside else layer.removeprefix(f"{inside}.")
    detail = draft.words.detail
    if draft.words.kind == "input":
        detail = show(made.shape)
    place = next(((n.cell, n.line) for n in draft.nodes if n.cell is not None), (None, None))
    return Step(
        says=draft.words.says,
        sign=draft.words.sign,
        detail=detail[:MOST_LETTERS],
        kind=draft.words.kind,
        layer=layer[:MOST_LETTERS],
        shape=tuple((node.shape or made.shape)[:MOST_DIMENSIONS]),
        reads=tuple(draft.reads),
        on_skip=on_skip,
        cell=place[0],
        line=place[1],
    )


def layer_of(key: str) -> str:
    """The layer that a tensor belongs to, by its key: `conv1` for `p:conv1.weight`; "" where it has no name."""
    if key.startswith(BIAS_WITH):  # which a right form may have: it is called after its weight
        key = key.rpartition(" with ")[2]
    if key[1:2] != ":":
        return ""
    name = key[2:]
    return name.rpartition(".")[0] or name
