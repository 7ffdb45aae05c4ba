"""What the notebook defines is no module, or not a whole one."""

from __future__ import annotations

import builtins
import re

from grader.judge.absent import unknown_name
from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Problem
from grader.verdict import Proof

_BROUGHT = re.compile(r"name '(tf|tensorflow|keras|layers|models|Sequential|Model)' is not defined")
SUM = "return F.relu(out + identity)"
FORWARD = RESBLOCK[RESBLOCK.index("        out = F.relu(self.bn1") :]
CONSTRUCTOR = "        super().__init__()\n"
BN1 = "        self.bn1 = nn.BatchNorm2d(out_channels)\n"
CALLED = "F.relu(self.bn1(self.conv1(x)))"
# What of torch.nn keeps layers or parameters, and cannot be called.
CONTAINERS = frozenset("ModuleList ModuleDict ParameterList ParameterDict".split())


class SyntaxErrorInCell(Noticed):
    id = "syntax-error"
    message = "A cell is not valid Python, so what it should define does not exist."
    why = (
        "Python reads a whole cell before it runs any of it. One slip is enough, and nothing that this cell should "
        "define exists."
    )
    hints = (
        "A syntax error means that the text is not Python yet. Most often a bracket, a colon, a quote or the "
        "indentation is off.",
        "Go to the marked line, and look at the line above it too. A bracket that is left open is often noticed one "
        "line late.",
        "Close every bracket and quote, end `class`, `def`, `if` and `for` lines with a colon, and indent by four "
        "spaces. Then run the cell again.",
    )
    broken = (changed(RESBLOCK, ("def forward(self, x):", "def forward(self, x)")),)

    def notice(self, examined: Examined) -> Notice | None:
        if examined.found is not None:
            return None
        for problem in examined.stands.blamed(examined.problems):
            if problem.is_syntax:
                said = say(
                    "Cell {cell} is not valid Python: {error}, line {line}.",
                    cell=problem.cell,
                    error=problem.message,
                    line=problem.line or 1,
                )
                return Notice(Proof.MEASURED, problem.cell, problem.line, said)
        return None


def _import_of_another_framework(examined: Examined) -> Problem | None:
    """The import that failed, where nothing is defined, or a name is missing that it would have brought."""
    error = raised(examined)
    if examined.found is not None and (error is None or not _BROUGHT.match(error.message)):
        return None
    for problem in examined.problems:
        if problem.is_import and any(name in problem.message for name in ("tensorflow", "keras")):
            return problem
    return None


class NotPyTorch(Noticed):
    id = "not-pytorch"
    message = "This uses TensorFlow or Keras; the homework asks for PyTorch: a class derived from torch.nn.Module."
    why = (
        "Your module is given weights and asked for gradients, and both are done with PyTorch. A Keras layer works in "
        "another way, so nothing in it can be compared."
    )
    hints = (
        "Keras and PyTorch share many ideas but no classes. Here a layer is a class made from `nn.Module`, with a "
        "method `forward`.",
        "Look at the imports at the top of the notebook, and at the name in brackets behind your `class`.",
        "Write `import torch` and `from torch import nn`, and begin your class with `class ResBlock(nn.Module):`.",
    )
    broken = (
        "import tensorflow as tf\nfrom tensorflow.keras import layers\n\n\nclass ResBlock(layers.Layer):\n    pass\n",
    )

    def notice(self, examined: Examined) -> Notice | None:
        problem = _import_of_another_framework(examined)
        return Notice(Proof.MEASURED, problem.cell, problem.line) if problem is not None else None


NO_CLASSES = {"NoneType", "Tensor", "ndarray", "function", "builtin_function_or_method", *dir(builtins)}


class NotAModule(Noticed):
    id = "not-a-module"
    message = "The class is not derived from nn.Module, so PyTorch knows nothing of its layers."
    why = (
        "`nn.Module` collects the weights of your layers, moves them to a GPU, and switches between training and "
        "evaluation. A plain class does none of this, so an optimizer finds nothing to train."
    )
    hints = (
        "A class inherits what the class in its brackets can do. With no brackets it inherits nothing.",
        "Look at the line that begins with `class`. What stands in brackets behind the name?",
        "Put `nn.Module` there, as in `class ResBlock(nn.Module):`, and begin the constructor with "
        "`super().__init__()`.",
    )
    broken = (changed(RESBLOCK, ("class ResBlock(nn.Module):", "class ResBlock:")),)

    def notice(self, examined: Examined) -> Notice | None:
        # What a function gives may be anything, and no class is to blame for it.
        found = {seen.built.not_a_module for seen in examined.observations} - {None}
        return Notice(Proof.MEASURED) if found and found.isdisjoint(NO_CLASSES) else None


class Unfinished(Noticed):
    id = "unfinished"
    message = "This is not finished: the skeleton's `raise NotImplementedError`, `pass` or `...` is still there."
    why = (
        "Nothing is computed here yet, so there is nothing to compare. All checks of this exercise wait for this piece "
        "of code."
    )
    hints = (
        "`raise NotImplementedError`, `pass` and `...` hold a place. They show where your own code goes.",
        "Search your class or function for the placeholder, and read the task and the comments around it. Begin with "
        "the smallest step that you are sure of.",
        "Replace the placeholder by your own lines, and end with the result: `return out`.",
    )
    broken = (
        changed(RESBLOCK, (FORWARD, "        raise NotImplementedError\n")),
        changed(RESBLOCK, (FORWARD, "        pass\n")),
        changed(RESBLOCK, (CONSTRUCTOR, CONSTRUCTOR + "        raise NotImplementedError('todo')\n")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and error.is_unfinished:
            return at(error)
        for seen in examined.observations:
            # Nothing was returned and nothing is there to compute with, or no computation was made.
            if seen.built.output is not None and seen.built.output.kind == "NoneType" and not seen.built.operations:
                return Notice(Proof.MEASURED)
        return None


class ForwardMissing(Noticed):
    id = "forward-missing"
    message = "The class has no method named forward."
    why = (
        "When you call a module, PyTorch runs its method `forward`. Without a method of that name the module can be "
        "built, but never used."
    )
    hints = (
        "PyTorch finds `forward` by its exact name, and only inside of the class.",
        "Check how the name is spelt, and that its `def` is indented as far as the `def` of the constructor.",
        "Write the method inside of the class, beginning with `def forward(self, x):`, and let it return the output.",
    )
    broken = (
        changed(RESBLOCK, ("def forward(", "def foward(")),
        changed(RESBLOCK, ("    def forward(", "def forward(")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.without_forward in ("", *CONTAINERS):
            return None
        if error.without_forward == examined.found:
            return at(error)
        return at(error, say("The class {name} has no method named forward.", name=error.without_forward))


class ContainerCalled(Noticed):
    id = "container-called"
    message = "A container such as nn.ModuleList is called as if it were a layer."
    why = (
        "A ModuleList or ModuleDict keeps layers, so that their weights are found, and does not know in which order "
        "they run. Only nn.Sequential has a `forward` that runs them one after the other."
    )
    hints = (
        "A list of layers is not a layer. What runs them is a loop in your `forward`, or nn.Sequential.",
        "Look at the marked line: what is called there is a list or dict of layers.",
        "Write `nn.Sequential(*layers)` where the container is made, or `for layer in self.layers: x = layer(x)` in "
        "`forward`.",
    )
    broken = (
        changed(
            RESBLOCK,
            (BN1, f"{BN1}        self.first = nn.ModuleList([self.conv1, self.bn1, nn.ReLU()])\n"),
            (CALLED, "self.first(x)"),
        ),
        changed(
            RESBLOCK,
            (BN1, f"{BN1}        self.first = nn.ModuleDict({{'conv': self.conv1, 'bn': self.bn1}})\n"),
            (CALLED, "F.relu(self.first(x))"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.without_forward not in CONTAINERS:
            return None
        name = error.without_forward
        return at(error, say("nn.{name} is called as if it were a layer: it has no forward.", name=name))


class NameErrorInCode(Noticed):
    id = "name-error"
    message = "A name is used that does not exist."
    why = (
        "Python stops at the first name that it does not know. The lines behind it never run, so there is no result "
        "that could be checked."
    )
    hints = (
        "A name exists from the line on that assigns, defines or imports it. That line has to run first.",
        "Read the name in the message letter by letter, and search the notebook for the place that makes it. Restart "
        "the kernel and run all cells: you get the same error.",
        "Mend the spelling, or add what is missing above, for instance `import torch.nn.functional as F`.",
    )
    broken = (
        changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out + identiy)")),
        changed(RESBLOCK, ("import torch.nn.functional as F\n", "")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.type not in ("NameError", "UnboundLocalError"):
            return None
        if _import_of_another_framework(examined) is not None:
            return None  # that is the news, and not each of its names
        said = unknown_name(error, examined.problems)
        name = error.message.split("'")[1:2]
        for problem in examined.problems:
            if name and name[0] in examined.defined and not problem.is_import:
                words, cell, line = problem.words, problem.cell, problem.line or 1
                stopped = say("Cell {cell}, line {line} was left out ({error}).", cell=cell, line=line, error=words)
                return at(error, f"{said} {stopped}")
        return at(error, said)


class AttributeMissing(Noticed):
    id = "attribute-missing"
    message = "An attribute is used that the constructor does not set, or not in every case."
    why = (
        "`forward` asks the object for a part that its constructor did not give it. Python stops there, and the block "
        "has no output."
    )
    hints = (
        "Each `self.name` that you read has to be set before, whatever arguments came in.",
        "Search the constructor for the name in the message. Is it spelt the same way, and is it also set when an `if` "
        "is not true?",
        "Set it in all cases, for instance `self.shortcut = nn.Identity()` in front of the `if` that may replace it.",
    )
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn3(self.conv2(out))")),
        changed(RESBLOCK, ("        self.shortcut = nn.Sequential()\n", "")),
        changed(RESBLOCK, ("        self.bn2 = nn.Batch", "        self.bn2 == nn.Batch")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        own = f"'{examined.found}' object has no attribute"
        if error is None or error.type != "AttributeError" or not error.message.startswith(own):
            return None
        if examined.ran:
            said = say(
                "{error}: the constructor sets it only in one branch of an `if`. {call} has it.",
                error=error.message,
                call=examined.call(examined.ran[0].case),
            )
            return at(error, said)
        return at(error, say("{error}: the constructor does not set it, or not in every case.", error=error.message))


class NoneCalled(Noticed):
    id = "none-is-called"
    message = "Something is called that is None."
    why = (
        "`None` stands for nothing, and nothing cannot be applied to a tensor. So the block works for some arguments "
        "and stops for others."
    )
    hints = (
        "A part that may be missing is either tested for, or something takes its place that changes nothing.",
        "Find the attribute that the constructor sets to `None`, and the line of `forward` that calls it.",
        "Use `nn.Identity()` for `None`, or write `x if self.shortcut is None else self.shortcut(x)`.",
    )
    broken = (
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = None")),
        changed(
            RESBLOCK,
            ("self.shortcut = nn.Sequential()", "self.shortcut = None"),
            ("if stride != 1 or", "if stride == 2 and"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.type != "TypeError" or "'NoneType' object is not callable" not in error.message:
            return None
        seen = next(seen for seen in examined.observations if seen.raised is error)
        return at(error, say("In {call} something is called that is None.", call=examined.call(seen.case)))


class ForwardRejectsInput(Noticed):
    id = "forward-rejects-input"
    message = "forward does not take the input alone: it is called as forward(self, x)."
    why = (
        "PyTorch calls `forward` with the input and nothing else. If it asks for more, or for less, no batch ever gets "
        "through."
    )
    hints = (
        "First comes the object itself, as `self`, then the input. All else was stored on `self` by the constructor.",
        "Look at the brackets of `def forward(...)`, and count the names in them.",
        "Write `def forward(self, x):`, and take whatever else you need from `self`.",
    )
    broken = (
        changed(RESBLOCK, ("def forward(self, x)", "def forward(x)")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self, x, identity)")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.type != "TypeError" or error.cell is not None:
            return None  # with a place it is a call inside forward that was refused
        if ".forward() " not in error.message:
            return None
        inputs = next((seen.case.inputs for seen in examined.observations if seen.raised is error), {})
        said = self.said
        if inputs:
            said = say(
                "forward does not take what it is given: it is called as forward({inputs}), in this order, with a "
                "tuple for what is a tuple in the task.",
                inputs=", ".join(["self", *inputs]),
            )
        return at(error, said + " " + say("(Python says: {error})", error=error.message))
