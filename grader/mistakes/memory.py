"""Values that are changed where they lie, or read past PyTorch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.graph import Graph, Node
from grader.judge.examined import Examined
from grader.judge.uses import VIEWS
from grader.language import say
from grader.mistakes._evidence import at, places, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Answer
from grader.verdict import Proof

SUM = "return F.relu(out + identity)"
END = "        identity = self.shortcut(x)\n        return F.relu(out + identity)"
MOST_VIEWS = 100
# Ways for numbers to leave PyTorch, and to come back without their gradient.
PAST_TORCH = ("numpy", "array", "dlpack", "data_ptr", "tolist", "changed")


class InputModified(Noticed):
    id = "input-modified"
    explains = False
    message = (
        "forward changes its input in place. The layer before the block needs that value for its gradient: in a "
        "network the backward pass would raise or be wrong."
    )
    why = (
        "The layer in front of your block still needs its own output to compute its gradient. If you change that "
        "tensor, its training goes wrong or stops with an error."
    )
    hints = (
        "An operation in place writes into the memory of a tensor. All who hold that tensor see the change.",
        "Look for `+=`, `*=`, methods whose names end in an underscore, and `inplace=True`. Which of them touches the "
        "input?",
        "Make a new tensor there: `x = x + y`, or `F.relu(x)` without `inplace=True`.",
    )
    broken = (
        changed(RESBLOCK, (SUM, "y = F.relu(out + identity)\n        x.zero_()\n        return y")),
        changed(RESBLOCK, (SUM, "identity += out\n        return F.relu(identity)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            if any(answer.input_changed for answer in seen.answers.values()):
                act = next(iter(seen.built.facts.overwriting), None)
                return Notice(Proof.MEASURED, act.cell if act else None, act.line if act else None)
        return None


class InplaceBreaksBackward(Noticed):
    id = "inplace-breaks-backward"
    message = (
        "forward runs, but the backward pass raises: an in-place operation (`+=`, relu_, inplace=True) overwrote a "
        "value that the gradient needs."
    )
    why = (
        "The backward pass needs values that the forward pass has computed. If one of them was overwritten, PyTorch "
        "does not guess but stops with an error, and nothing is learned."
    )
    hints = (
        "Working in place saves memory. It is allowed only where no gradient needs the old value any more.",
        "Call `backward()` in a cell of your own. Then look for `+=`, `relu_` or `inplace=True` behind the layer that "
        "the error speaks of.",
        "Use the form that makes a new tensor: `out = out + x`, and `F.relu(out)`.",
    )
    broken = tuple(
        changed(RESBLOCK, (END, "".join(f"        {line}\n" for line in lines)))
        for lines in (
            ("out = torch.sigmoid(out)", "out += self.shortcut(x)", "return F.relu(out)"),
            ("out = F.relu(out, inplace=True)", "out += self.shortcut(x)", "return out"),
            ("out = torch.relu(out)", "out[:] += self.shortcut(x)", "return out"),
        )
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            for answer in seen.answers.values():
                error = answer.raised
                if (
                    error is None
                    or error.stage != "backward"
                    or answer.kept
                    or "inplace operation" not in error.message
                ):
                    continue
                # "…, which is output 0 of ReluBackward0, is at version 1; expected version 0 instead"
                found = re.search(r"output \d+ of (\w+?)(Backward)?\d*, is at", error.message)
                node = _writer(seen.built.graph, found[1]) if found else None
                return Notice(Proof.MEASURED, node.cell if node else None, node.line if node else None)
        return None


def _writer(graph: Graph | None, made_by: str) -> Node | None:
    """The first operation that writes into what an operation of this name made."""
    if graph is None or not graph.is_sound:
        return None
    nodes = graph.by_id
    for node in graph.nodes:
        for position in node.mutates:
            argument = node.args[position]
            target = nodes.get(argument["v"]) if isinstance(argument, dict) else None
            for _ in range(MOST_VIEWS):
                if target is None or target.name not in VIEWS | {"alias", "scatter"} or not target.inputs:
                    break
                target = nodes[target.inputs[0]]
            if target is not None and _plain(made_by) == _plain(target.name):
                return node
    return None


def _plain(name: str) -> str:
    """`ReluBackward` is made by `relu_`, `MulBackward` by `mul`."""
    return name.lower().replace("_", "").removeprefix("native")


class NumpyInForward(Noticed):
    id = "numpy-in-forward"
    message = (
        "forward takes numbers out of PyTorch (numpy, tolist, from_numpy): no gradient can flow back through them."
    )
    why = (
        "NumPy knows nothing of gradients, so the chain from the loss to your weights is cut there. The layers in "
        "front of that point can never learn."
    )
    hints = (
        "PyTorch writes down each of its own operations, to go back through them later. What is done elsewhere is not "
        "written down.",
        "Look in `forward` for `.numpy()`, `.tolist()`, `.item()`, `np.` and `torch.from_numpy`.",
        "Use the operation of the same name from torch: `torch.sqrt(x)` in place of `np.sqrt(x)`.",
    )
    broken = tuple(
        changed(RESBLOCK, ("F.relu(out + identity)", way), ("import torch\n", "import torch\nimport numpy as np\n"))
        for way in (
            "torch.from_numpy(np.maximum((out + identity).numpy(), 0))",
            "torch.from_numpy(np.maximum((out + identity).detach().numpy(), 0))",
            "F.relu(out + torch.tensor(identity.tolist()))",
        )
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and "Can't call numpy() on Tensor that requires grad" in error.message:
            said = say("numpy() cannot be called on a tensor that needs a gradient. Use the operation of torch.")
            return at(error, said)
        seen = next(
            (seen for seen in examined.ran if any(read.what in PAST_TORCH for read in seen.built.facts.reads)), None
        )
        if seen is None or not _numbers_come_back(seen.built.graph):
            return None  # to print numbers is fine
        reads = [read for read in seen.built.facts.reads if read.what in PAST_TORCH]
        where = places(reads)
        # That nothing flows back was measured; that numbers left PyTorch on these lines is the student's word.
        cut = any(answer.y is not None and not answer.gradients for answer in _with_gradients(examined))
        return Notice(
            Proof.MEASURED if cut else Proof.REPORTED,
            reads[0].cell,
            reads[0].line,
            self.said + " " + say("See {where}.", where=where) if where else self.said,
            explains=cut,
        )


def _numbers_come_back(graph: Graph | None) -> bool:
    """Is the output computed from more than single numbers that no recorded operation made?"""
    leaves = [node.leaf for node in graph.nodes if node.leaf is not None] if graph is not None else []
    return any(leaf.kind == "constant" and leaf.value is None for leaf in leaves)


def _with_gradients(examined: Examined) -> Iterator[Answer]:
    """Answers to probes that ask for gradients and did not raise."""
    for seen in examined.ran:
        for name, answer in seen.answers.items():
            if seen.probes[name].gradient and answer.raised is None:
                yield answer
