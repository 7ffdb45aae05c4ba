"""What the notebook defines is no module, or not a whole one."""

from __future__ import annotations

import re

from grader.judge.examined import Examined
from grader.mistakes._evidence import at, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Problem
from grader.verdict import Proof

_BROUGHT = re.compile(r"name '(tf|tensorflow|keras|layers|models|Sequential|Model)' is not defined")
SUM = "return F.relu(out + identity)"
FORWARD = RESBLOCK[RESBLOCK.index("        out = F.relu(self.bn1") :]
CONSTRUCTOR = "        super().__init__()\n"


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
    broken = (
        "import tensorflow as tf\nfrom tensorflow.keras import layers\n\n\nclass ResBlock(layers.Layer):\n    pass\n",
    )

    def notice(self, examined: Examined) -> Notice | None:
        problem = _import_of_another_framework(examined)
        return Notice(Proof.MEASURED, problem.cell, problem.line) if problem is not None else None


class NotAModule(Noticed):
    id = "not-a-module"
    message = "The class is not derived from nn.Module, so PyTorch knows nothing of its layers."
    broken = (changed(RESBLOCK, ("class ResBlock(nn.Module):", "class ResBlock:")),)

    def notice(self, examined: Examined) -> Notice | None:
        if any(seen.built.not_a_module is not None for seen in examined.observations):
            return Notice(Proof.MEASURED)
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
        if _import_of_another_framework(examined) is not None:
            return None  # that is the news, and not each of its names
        for problem in examined.problems:
            if problem.is_import and problem.message.split("'")[-2:-1]:
                return at(
                    error, f"{error.message}. An import failed before, in cell {problem.cell}: {problem.message}."
                )
        return at(error, f"{error.message}: check the spelling, and that it is defined or imported above.")


class AttributeMissing(Noticed):
    id = "attribute-missing"
    message = "An attribute is used that the constructor does not set, or not in every case."
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
            with_it = examined.call(examined.ran[0].case)
            said = f"{error.message}: the constructor sets it only in one branch of an `if`. {with_it} has it."
            return at(error, said)
        return at(error, f"{error.message}: set it in the constructor, in every case.")


class NoneCalled(Noticed):
    id = "none-is-called"
    message = "Something is called that is None."
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
        return at(
            error,
            f"In {examined.call(seen.case)} something is called that is None. Test it first (`if … is not None`), or "
            "make it nn.Identity().",
        )


class ForwardRejectsInput(Noticed):
    id = "forward-rejects-input"
    message = "forward does not take the input alone: it is called as forward(self, x)."
    broken = (
        changed(RESBLOCK, ("def forward(self, x)", "def forward(x)")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self, x, identity)")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.type != "TypeError" or error.cell is not None:
            return None  # with a place it is a call inside forward that was refused
        return at(error, f"{self.message} (Python says: {error.message})") if ".forward() " in error.message else None
