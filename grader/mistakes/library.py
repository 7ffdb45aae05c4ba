"""PyTorch is asked for what it does not have: a name, or an argument of one of its layers."""

from __future__ import annotations

import re

import torch

from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Problem, Raised
from grader.verdict import Proof

UNKNOWN_NAME = re.compile(r"module '(torch[\w.]{0,60})' has no attribute '(\w{1,60})'")
# The layers of torch.nn say their own class's name, or that of the one that they are made from.
REFUSED = re.compile(r"_?([A-Z]\w{1,40})\.__init__\(\) (?:got an unexpected keyword|missing \d+ required positional)")
# Functions that stand for layers in other people's code are called as if they were their classes.
WITHOUT_INPUT = re.compile(r"(\w{1,40})\(\) missing 1 required positional argument: '(?:input|x)'")
STRIDED_SAME = "padding='same' is not supported for strided convolutions"
MADE = "        self.act = F.relu()\n        self.shortcut = nn.Sequential()\n"
LAYERS = frozenset("Conv2d ConvNd BatchNorm2d BatchNorm ReLU Linear MaxPool2d AvgPool2d AdaptiveAvgPool2d".split())


def _stopped(examined: Examined) -> Raised | Problem | None:
    """The first exception: of the module, or of the cell that should define it."""
    if examined.found is not None:
        return raised(examined)
    return next((each for each in examined.stands.blamed(examined.problems) if not each.is_import), None)


class UnknownInTorch(Noticed):
    id = "unknown-in-torch"
    message = "PyTorch has nothing of this name."
    why = (
        "Python looks the name up in the module in front of the dot, and finds nothing. The lines behind it never run."
    )
    hints = (
        "Every layer and function has one exact name, and capital letters count: `nn.ReLU` is a layer, `F.relu` a "
        "function.",
        "Read the name in the message letter by letter, and compare it with the documentation of the module.",
        "Write the name as PyTorch does, for instance `nn.Conv2d`, `nn.BatchNorm2d`, `nn.ReLU` and `F.relu`.",
    )
    broken = (
        changed(RESBLOCK, ("self.conv1 = nn.Conv2d", "self.conv1 = nn.Con2d")),
        changed(RESBLOCK, ("nn.Module", "nn.Moduel")),
        changed(RESBLOCK, ("return F.relu", "return F.Relu")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = _stopped(examined)
        unknown = UNKNOWN_NAME.search(error.message) if error is not None and error.type == "AttributeError" else None
        if error is None or unknown is None:
            return None
        said = say("{module} has nothing that is called {name}.", module=unknown[1], name=unknown[2])
        return Notice(Proof.MEASURED, error.cell, error.line, said)


class LayerRejectsArguments(Noticed):
    id = "layer-rejects-arguments"
    message = "A layer of PyTorch does not take what it is given."
    why = (
        "A layer can only be made from arguments that it knows, and from all that it needs. As long as one of them is "
        "refused there is no block at all."
    )
    hints = (
        "Layers of other libraries take other arguments. What one of PyTorch takes stands in its documentation, with "
        "the names.",
        "Go to the marked line, and compare every argument with the documentation of that layer: its name, and what it "
        "may be.",
        "Write it as PyTorch does: `nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0)` and "
        "`nn.BatchNorm2d(num_features)`.",
    )
    broken = (
        changed(RESBLOCK, ("3, stride=stride", "3, strides=stride")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d()")),
        changed(RESBLOCK, ("out_channels, 3, stride=1", "out_channels, stride=1")),
        changed(RESBLOCK, ("stride=stride, padding=1", "stride=stride, padding='same'")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None:
            return None
        refused = REFUSED.match(error.message) if error.type == "TypeError" else None
        if (refused and refused[1] in LAYERS) or error.message == STRIDED_SAME:
            return at(error, say("A layer of PyTorch does not take what it is given: {error}.", error=error.message))
        return None


class FunctionWithoutInput(Noticed):
    id = "function-without-input"
    message = "A function of PyTorch is called with empty brackets: it is no layer, and wants its input at once."
    why = (
        "`nn.ReLU` is a class, of which a layer is made first, with brackets of its own. `F.relu` is a function, which "
        "is given the tensor and gives back another."
    )
    hints = (
        "What begins with a capital letter is a layer and is made in the constructor. What does not is a function and "
        "is called in `forward`.",
        "Go to the marked line, and look for empty brackets behind a function's name.",
        "Write `F.relu(x)`. Or make a layer, `self.relu = nn.ReLU()`, and call it: `self.relu(x)`.",
    )
    broken = (
        changed(RESBLOCK, ("return F.relu(out + identity)", "return F.relu()(out + identity)")),
        changed(RESBLOCK, ("        self.shortcut = nn.Sequential()\n", MADE)),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        found = WITHOUT_INPUT.fullmatch(error.message) if error is not None and error.type == "TypeError" else None
        if error is None or found is None or not hasattr(torch.nn.functional, found[1]):
            return None
        return at(
            error, say("{function} is called with empty brackets: it wants its input at once.", function=found[1])
        )
