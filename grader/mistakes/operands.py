"""An operation that raises because the shapes of its operands do not fit."""

from __future__ import annotations

from grader.graph import Graph
from grader.judge.examined import Examined, show
from grader.judge.formula import describe, formula
from grader.language import later, say
from grader.mistakes._evidence import at, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Operation
from grader.verdict import Proof

WORDS = ("size", "shape", "channels", "dimension", "elements")
RAISES = {
    "convolution": later("A convolution raises in {call}: the shapes do not fit."),
    "native_batch_norm": later("A batch norm raises in {call}: the shapes do not fit."),
    "add": later("A sum raises in {call}: the shapes do not fit."),
    "mul": later("A product raises in {call}: the shapes do not fit."),
    **dict.fromkeys(("addmm", "mm", "linear"), later("A linear layer raises in {call}: the shapes do not fit.")),
}
# What torch says of a batch norm of one image in training, where its map is 1×1.
TOO_FEW = "Expected more than 1 value per channel when training"
NOTHING_TO_AVERAGE = later(
    "A batch norm is given one number for each channel, of which there is no mean and variance to take: it stands "
    "where the map of a single image is 1×1."
)
LONGEST = 80  # letters of a formula that is read in a sentence


class ShapeMismatch(Noticed):
    id = "shape-mismatch"
    message = "An operation gets tensors whose shapes do not fit."
    why = (
        "A layer is made for a certain number of channels, and a sum needs equal shapes. Where they do not fit PyTorch "
        "stops, and the module has no output."
    )
    hints = (
        "A batch of maps has the shape (batch, channels, height, width). What one layer gives is what the next one has "
        "to take.",
        "Go to the marked line and print the `.shape` of each tensor in it. Which layer was made for something else?",
        "Make neighbours agree: behind `nn.Conv2d(in_channels, out_channels, 3, padding=1)` comes "
        "`nn.BatchNorm2d(out_channels)`.",
    )
    rank = "otherwise"
    broken = (
        changed(RESBLOCK, ("out + identity", "out + identity[:, 1:]")),
        changed(RESBLOCK, ("self.bn2 = nn.BatchNorm2d(out_channels)", "self.bn2 = nn.BatchNorm2d(out_channels + 1)")),
        changed(RESBLOCK, ("identity = self.shortcut(x)", "identity = self.shortcut(x).flatten(1)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.stage != "forward" or not any(word in error.message for word in WORDS):
            return None
        if error.type not in ("RuntimeError", "ValueError", "IndexError"):
            return None
        if TOO_FEW in error.message:
            return at(error, say(NOTHING_TO_AVERAGE))
        if error.operation is None:
            return at(error, say("The shapes of tensors do not fit: {error}.", error=error.message))
        seen = next(seen for seen in examined.observations if seen.raised is error)
        graph = seen.built.partial
        said = _operands(error.operation, graph) if graph is not None and graph.is_sound else []
        operation = error.operation.op.removeprefix("aten.").split(".")[0].strip("_")
        call = examined.call(seen.case)
        if operation in RAISES:
            message = say(RAISES[operation], call=call)
        else:
            message = say("{operation} raises in {call}: the shapes do not fit.", operation=operation, call=call)
        if said:
            message += " " + say("Its operands: {operands}.", operands="; ".join(said))
        return Notice(Proof.MEASURED, error.cell, error.line, message)


def _operands(operation: Operation, graph: Graph) -> list[str]:
    """Shape, origin and line of each operand, as the recording says."""
    nodes = graph.by_id
    said = []
    for shape, i in zip(operation.shapes, operation.nodes, strict=False):
        if i not in nodes:
            return []
        origin = formula(Graph(nodes=graph.nodes, output=i)).removeprefix("y = ")
        if i in graph.of_input and not 0 < len(origin) <= LONGEST:
            said.append(f"{show(shape)}, {describe(graph, nodes[i])}")
            continue
        leaf = nodes[i].leaf
        if leaf is not None and leaf.kind != "input":
            origin = leaf.key[2:] if leaf.key[1:2] == ":" else ""
        line = nodes[i].line if leaf is None else None
        if origin and line is not None:
            said.append(say("{shape} ({origin}, line {line})", shape=show(shape), origin=origin, line=line))
        else:
            said.append(f"{show(shape)} ({origin})" if origin else show(shape))
    return said
