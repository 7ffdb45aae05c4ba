"""Mistakes with PyTorch and Python themselves, read off what was seen."""

from __future__ import annotations

from grader.assignment import ModuleExercise
from grader.judge.examined import Examined
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Raised
from grader.verdict import Proof

SUM = "return F.relu(out + identity)"
FORWARD = RESBLOCK[RESBLOCK.index("        out = F.relu(self.bn1") :]
CONSTRUCTOR = "        super().__init__()\n"


def raised(examined: Examined) -> Raised | None:
    """The first exception in any case."""
    return next((seen.raised for seen in examined.observations if seen.raised is not None), None)


def at(error: Raised, message: str = "") -> Notice:
    """A notice at the place of an exception. That it was raised is a fact; what it says is the student's word."""
    return Notice(Proof.MEASURED, error.cell, error.line, message)


class SyntaxErrorInCell(Noticed):
    id = "syntax-error"
    message = "A cell is not valid Python, so what it should define does not exist."
    broken = (changed(RESBLOCK, ("def forward(self, x):", "def forward(self, x)")),)

    def notice(self, examined: Examined) -> Notice | None:
        if examined.found is not None:
            return None
        for problem in examined.problems:
            if problem.type in ("SyntaxError", "IndentationError", "TabError"):
                said = f"Cell {problem.cell} is not valid Python: {problem.message}, line {problem.line}."
                return Notice(Proof.MEASURED, problem.cell, problem.line, said)
        return None


class Unfinished(Noticed):
    id = "unfinished"
    message = "This is not finished: the skeleton's `raise NotImplementedError` or `pass` is still there."
    broken = (
        changed(RESBLOCK, (FORWARD, "        raise NotImplementedError\n")),
        changed(RESBLOCK, (FORWARD, "        pass\n")),
        changed(RESBLOCK, (CONSTRUCTOR, CONSTRUCTOR + "        raise NotImplementedError('todo')\n")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and error.type == "NotImplementedError" and error.cell and "aten::" not in error.message:
            return at(error)
        for seen in examined.observations:
            # Nothing was returned and nothing is there to compute with, or no computation was made.
            if seen.built.output is not None and seen.built.output.kind == "NoneType" and not seen.built.operations:
                return Notice(Proof.MEASURED)
        return None


class ForwardMissing(Noticed):
    id = "forward-missing"
    message = "The class has no method named forward. Check its spelling and its indentation."
    broken = (
        changed(RESBLOCK, ("def forward(", "def foward(")),
        changed(RESBLOCK, ("    def forward(", "def forward(")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and 'missing the required "forward" function' in error.message:
            return at(error)
        return None


class InputModified(Noticed):
    id = "input-modified"
    explains = False
    message = (
        "forward changes its input in place. The layer before the block needs that value for its gradient: in a "
        "network the backward pass would raise or be wrong. Make a new tensor: `x = x + y` instead of `x += y`."
    )
    broken = (
        changed(RESBLOCK, (SUM, "y = F.relu(out + identity)\n        x.zero_()\n        return y")),
        changed(RESBLOCK, (SUM, "identity += out\n        return F.relu(identity)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        if any(answer.input_changed for seen in examined.ran for answer in seen.answers.values()):
            return Notice(Proof.MEASURED)
        return None


class OutputMissing(Noticed):
    id = "output-missing"
    message = "forward returns None: it computes the result but does not return it. End it with `return`."
    broken = (changed(RESBLOCK, (SUM, SUM.removeprefix("return "))),)

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            if seen.built.output is not None and seen.built.output.kind == "NoneType" and seen.built.operations:
                return Notice(Proof.MEASURED)
        return None


class OutputNotATensor(Noticed):
    id = "output-not-a-tensor"
    message = (
        "forward returns something other than one tensor. A trailing comma makes a tuple; return the result alone."
    )
    broken = (
        changed(RESBLOCK, (SUM, SUM + ",")),
        changed(RESBLOCK, (SUM, "return out, identity")),
        changed(RESBLOCK, (SUM, "return [F.relu(out + identity)]")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            if seen.built.output is not None and seen.built.output.kind not in ("tensor", "NoneType"):
                return Notice(Proof.MEASURED)
        return None


class ConstructorRejectsArguments(Noticed):
    id = "constructor-rejects-arguments"
    message = "The constructor does not take the arguments that the task names."
    broken = (
        changed(
            RESBLOCK,
            ("self, in_channels, out_channels, stride=1", "self, channels"),
            ("in_channels", "channels"),
            ("out_channels", "channels"),
            ("stride=stride", "stride=1"),
            ("stride != 1 or", "False or"),
        ),
        changed(
            RESBLOCK,
            ("out_channels, stride=1):", "out_channels):"),
            ("stride=stride", "stride=1"),
            ("stride != 1", "False"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        if examined.departures:
            said = f"The constructor takes {examined.constructor}: the task asks for {examined.signature}."
            return Notice(Proof.MEASURED, message=said, explains=False)
        error = raised(examined)
        if error is None or not examined.rejects_arguments(error):
            return None
        return at(error, f"The constructor does not take its arguments: the task asks for {examined.signature}.")


class SuperInitMissing(Noticed):
    id = "super-init-missing"
    message = "super().__init__() is not called before the layers are assigned. Make it the constructor's first line."
    broken = (
        changed(RESBLOCK, (CONSTRUCTOR, "")),
        changed(RESBLOCK, (CONSTRUCTOR, "        super().__init__\n")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and "before Module.__init__() call" in error.message:
            return at(error)
        return None


class NotAModule(Noticed):
    id = "not-a-module"
    message = "The class is not derived from nn.Module, so PyTorch knows nothing of its layers."
    broken = (changed(RESBLOCK, ("class ResBlock(nn.Module):", "class ResBlock:")),)

    def notice(self, examined: Examined) -> Notice | None:
        if any(seen.built.not_a_module is not None for seen in examined.observations):
            return Notice(Proof.MEASURED)
        return None


class SequentialGivenAList(Noticed):
    id = "sequential-given-a-list"
    message = "nn.Sequential takes the layers one by one, not as a list: nn.Sequential(*layers)."
    broken = (changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential([nn.Identity()])")),)

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and "list is not a Module subclass" in error.message:
            return at(error)
        return None


class NameErrorInCode(Noticed):
    id = "name-error"
    message = "A name is used that does not exist."
    broken = (
        changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out + identiy)")),
        changed(RESBLOCK, ("import torch.nn.functional as F\n", "")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.type not in ("NameError", "UnboundLocalError"):
            return None
        for problem in examined.problems:
            if problem.is_import and problem.message.split("'")[-2:-1]:
                return at(
                    error, f"{error.message}. An import failed before, in cell {problem.cell}: {problem.message}."
                )
        return at(error, f"{error.message}: check the spelling, and that it is defined or imported above.")


class AttributeMissing(Noticed):
    id = "attribute-missing"
    message = "forward uses an attribute that the constructor does not set, or not in every case."
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn3(self.conv2(out))")),
        changed(RESBLOCK, ("        self.shortcut = nn.Sequential()\n", "")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        own = f"'{examined.found}' object has no attribute"
        if error is not None and error.type == "AttributeError" and error.message.startswith(own):
            return at(error, f"{error.message}: set it in the constructor, in every case.")
        return None


class LayersUnregistered(Noticed):
    id = "layers-unregistered"
    message = (
        "Layers are kept in a Python list or dict, where nn.Module does not find them: they are no parameters, "
        "are never trained, and do not follow train(), eval() or to(). Use nn.ModuleList, nn.ModuleDict or "
        "nn.Sequential."
    )
    broken = (
        changed(
            RESBLOCK,
            ("        self.conv1 = ", "        self.layers = []\n        conv1 = "),
            ("        self.bn1 = ", "        self.layers.append(conv1)\n        self.bn1 = "),
            ("self.conv1(x)", "self.layers[0](x)"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            nodes = seen.built.graph.nodes if seen.built.graph is not None else []
            for node in nodes:
                if node.leaf is not None and node.leaf.kind == "unregistered" and node.leaf.learnable:
                    # That they are missing among the parameters was counted.
                    return Notice(Proof.MEASURED, node.cell, node.line)
        return None


class ParametersFrozen(Noticed):
    id = "parameters-frozen"
    message = "Parameters have requires_grad=False: they are never trained."
    broken = (
        changed(
            RESBLOCK, ("        self.bn2 = ", "        self.conv2.weight.requires_grad = False\n        self.bn2 = ")
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            if any(not parameter.learnable for parameter in seen.built.parameters):
                return Notice(Proof.MEASURED)
        return None


class InplaceBreaksBackward(Noticed):
    id = "inplace-breaks-backward"
    message = (
        "forward runs, but the backward pass raises: an in-place operation (`+=`, relu_, inplace=True) overwrote "
        "a value that the gradient needs. Use the operation that makes a new tensor."
    )
    broken = (
        changed(
            RESBLOCK,
            (
                "        identity = self.shortcut(x)\n        return F.relu(out + identity)",
                "        out = torch.sigmoid(out)\n        out += self.shortcut(x)\n        return F.relu(out)",
            ),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            for answer in seen.answers.values():
                raised = answer.raised
                if raised is not None and raised.stage == "backward" and "inplace operation" in raised.message:
                    return Notice(Proof.MEASURED)
        return None


class NotPyTorch(Noticed):
    id = "not-pytorch"
    message = "This uses TensorFlow or Keras; the homework asks for PyTorch: a class derived from torch.nn.Module."
    broken = (
        "import tensorflow as tf\nfrom tensorflow.keras import layers\n\n\nclass ResBlock(layers.Layer):\n    pass\n",
    )

    def notice(self, examined: Examined) -> Notice | None:
        if examined.found is not None or not isinstance(examined.exercise, ModuleExercise):
            return None
        for problem in examined.problems:
            if problem.is_import and any(name in problem.message for name in ("tensorflow", "keras")):
                return Notice(Proof.MEASURED, problem.cell, problem.line)
        return None
