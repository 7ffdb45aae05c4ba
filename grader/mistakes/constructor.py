"""The constructor does not make the layers, or does not keep them."""

from __future__ import annotations

import re

from grader.judge.calls import ARGUMENT_MISSING, DEFAULT_MISSING, OUTPUTS_MISSING
from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, facts, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.mistakes.other_call import without_argument
from grader.mistakes.stages import OutputsIgnored
from grader.verdict import Proof

TWICE = re.compile(r"\b(\w+)\.__init__\(\) got multiple values for argument '(\w+)'")
_CONVOLUTION = "in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias"
_ORDER = {"Conv2d": _CONVOLUTION, "Conv1d": _CONVOLUTION, "MaxPool2d": "kernel_size, stride, padding"}
CONSTRUCTOR = "        super().__init__()\n"
LAST = "        self.shortcut = nn.Sequential()\n"
BN2 = "        self.bn2 = nn.BatchNorm2d(out_channels)\n"


class ConstructorRejectsArguments(Noticed):
    id = "constructor-rejects-arguments"
    message = "The constructor does not take the arguments that the task names."
    why = (
        "Whoever builds a network calls your class exactly as the task says. If the constructor refuses the call, no "
        "block is made, and nothing else can be tested."
    )
    hints = (
        "The names, the order and the defaults in `def __init__` are a promise to all who call it.",
        "Hold the line `def __init__(self, ...)` of your class beside the signature in the task, and compare name by "
        "name.",
        "Take the arguments of the task, in that order and with that default, as in `def __init__(self, in_channels, "
        "out_channels, stride=1):`.",
    )
    check = "shape"
    of_call = True
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
        changed(RESBLOCK, ("out_channels, stride=1):", "out_channels, stride):")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        if DEFAULT_MISSING in examined.departures:
            return Notice(Proof.MEASURED, message=_without_default(examined), explains=False)
        if ARGUMENT_MISSING in examined.departures:
            return without_argument(examined)
        if examined.departures == [OUTPUTS_MISSING] and OutputsIgnored().notice(examined):
            return None  # which says so
        if examined.departures:
            said = say(
                "The constructor takes {found}: the task asks for {asked}.",
                found=examined.constructor,
                asked=examined.signature,
            )
            return Notice(Proof.MEASURED, message=said, explains=False)
        error = raised(examined)
        if error is None or not examined.rejects_arguments(error) or ConstructorMissing().notice(examined):
            return None
        asked = examined.signature
        return at(error, say("The constructor does not take its arguments: the task asks for {asked}.", asked=asked))


def _without_default(examined: Examined) -> str:
    assert examined.convention is not None
    name, value = next(iter(examined.convention.defaults.items()))
    return say(
        "{argument} has no default value. Where it is left out it is to be {value}: write `{argument}={value}`.",
        argument=name,
        value=value,
    )


class ArgumentGivenTwice(Noticed):
    """A well-known page has `nn.Conv2d(in_channels, out_channels, 3, stride, 1, padding=1)`."""

    id = "argument-given-twice"
    message = "An argument is given twice in one call: by its position, and by its name."
    why = (
        "Python cannot know which of the two values you mean, so it stops. The layer is never made, and neither is the "
        "block around it."
    )
    hints = (
        "A value is passed by its place in the list or by its name. Each argument gets one value, not two.",
        "Go to the marked line and count the values that have no name. In `nn.Conv2d` they are: channels in, channels "
        "out, kernel size, stride, padding.",
        "Keep one of the two, and give names to what is easy to mix up: `nn.Conv2d(in_channels, out_channels, 3, "
        "stride=stride, padding=1)`.",
    )
    broken = (
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, stride, 1, padding=1")),
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, 1, stride=stride, padding=1")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        found = TWICE.search(error.message) if error is not None else None
        if error is None or found is None or error.cell is None:
            return None
        layer, name = found.groups()
        said = say(
            "{layer} is given {name} twice, by its position and by its name: leave one of them out.",
            layer=layer,
            name=name,
        )
        if layer in _ORDER:
            said += " " + say("By position {layer} takes {arguments}.", layer=layer, arguments=_ORDER[layer])
        return at(error, said)


class ConstructorMissing(Noticed):
    id = "constructor-missing"
    message = "The class has no constructor of its own, so nn.Module's is called."
    why = (
        "A class without a constructor makes no layers and takes no numbers of channels. Python calls the constructor "
        "of `nn.Module` instead, which knows nothing of your arguments."
    )
    hints = (
        "Python finds a constructor by its exact name. A method with almost that name is one that nobody calls.",
        "Look at the first `def` of your class. Count its underscores, and check that it is indented inside the class.",
        "Write two underscores before and two after: `def __init__(self, in_channels, out_channels, stride=1):`.",
    )
    broken = tuple(
        changed(RESBLOCK, ("def __init__(", f"def {name}("))
        for name in ("__int__", "_init_", "__init", "init", "__Init__")
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        takes = examined.constructor
        if error is None or takes is None or error.stage != "constructor" or error.cell is not None:
            return None
        if [parameter.kind for parameter in takes.parameters] != ["rest", "named rest"]:
            return None
        return at(error) if f"{examined.found}.__init__() takes 1 positional argument but " in error.message else None


class SuperInitMissing(Noticed):
    id = "super-init-missing"
    message = (
        "The constructor of nn.Module has not run when the first layer is assigned: `super().__init__()` is missing, "
        "comes too late, or goes to another class."
    )
    why = (
        "`nn.Module` sets up its lists of layers and weights in its own constructor. Before that has run there is no "
        "place to put a layer, so PyTorch stops with an error."
    )
    hints = (
        "Your class is built on top of `nn.Module`. The ground floor has to stand before you add to it.",
        "Look at the first lines of `__init__`. What comes before the first layer is assigned to `self`?",
        "Add this line at the very top of the constructor: `super().__init__()`.",
    )
    broken = (
        changed(RESBLOCK, (CONSTRUCTOR, "")),
        changed(RESBLOCK, (CONSTRUCTOR, "        super().__init__\n")),
        changed(RESBLOCK, (CONSTRUCTOR, "        super(nn.Module, self).__init__()\n")),
        changed(RESBLOCK, (CONSTRUCTOR, ""), (LAST, CONSTRUCTOR + LAST)),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and "before Module.__init__() call" in error.message:
            return at(error)
        return None


class SuperWrong(Noticed):
    id = "super-wrong"
    message = "super() is called in a way that does not work."
    why = (
        "`nn.Module` has to set up its lists of layers before you add any. A call that reaches the wrong class, or "
        "that hands over something extra, leaves the module half built."
    )
    hints = (
        "`super()` finds the parent class by itself. The constructor of `nn.Module` wants no arguments from you.",
        "Look at the line with `super` in the constructor: its brackets, what is inside of them, and the underscores.",
        "Write exactly this, as the first line: `super().__init__()`.",
    )
    broken = tuple(
        changed(
            RESBLOCK,
            (CONSTRUCTOR, f"        {line}\n"),
            ("class ResBlock", "class Net(nn.Module):\n    pass\n\n\nclass ResBlock"),
        )
        for line in (
            "super(Net, self).__init__()",
            "super.__init__()",
            "super().__init__(self)",
            "super().__init__(in_channels, out_channels)",
            "super().init()",
            "nn.Module.__init__()",
        )
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.stage != "constructor" or error.cell is None:
            return None
        signs = (
            "obj must be an instance or subtype of type",
            "descriptor '__init__' of 'super' object needs an argument",
            "'super' object has no attribute",
            "Module.__init__() missing 1 required positional argument",
            # nn.Module's own constructor, called from inside the student's with arguments.
            f"{examined.found}.__init__() takes 1 positional argument but ",
            f"{examined.found}.__init__() got an unexpected keyword argument",
        )
        if not any(sign in error.message for sign in signs):
            return None
        return at(error, self.said + " " + say("(Python says: {error})", error=error.message))


class SequentialGivenAList(Noticed):
    id = "sequential-given-a-list"
    message = "nn.Sequential takes the layers one by one, not as a list."
    why = (
        "`nn.Sequential` takes each argument for one layer, and a list is not a layer. So nothing is built, although "
        "all your layers are there."
    )
    hints = (
        "A list is one thing that holds many. A star in front of it hands its items over one by one.",
        "Find the call of `nn.Sequential` that has a square bracket, or the name of a list, inside.",
        "Put a star in front: `nn.Sequential(*layers)`. Or leave the square brackets out.",
    )
    broken = (
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential([nn.Identity()])")),
        changed(
            RESBLOCK, ("self.shortcut = nn.Sequential()", "layers = []\n        self.shortcut = nn.Sequential(layers)")
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and "list is not a Module subclass" in error.message:
            return at(error)
        return None


class NotALayer(Noticed):
    id = "not-a-layer"
    message = "nn.Sequential, nn.ModuleList and nn.ModuleDict take layers; here they get a function, a class or None."
    why = (
        "A container calls its items one after the other and keeps track of their weights. That works with layers "
        "only, and not with functions, classes or None."
    )
    hints = (
        "`F.relu` is a function, `nn.ReLU` is a class, and `nn.ReLU()` is a layer. Only the last one goes into a "
        "container.",
        "Look at each item in your `nn.Sequential`, `nn.ModuleList` or `nn.ModuleDict`. Which name has no brackets "
        "behind it?",
        "Write `nn.ReLU()` for an activation, and `nn.Identity()` where nothing should happen.",
    )
    broken = tuple(
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", f"self.shortcut = nn.Sequential({wrong})"))
        for wrong in ("F.relu", "nn.Identity", "nn.Identity(), lambda x: x")
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is not None and error.message.endswith("Tensor is not a Module subclass"):
            said = say("A container is given a tensor instead of layers: brackets are missing where it was made.")
            return at(error, said)
        if error is not None and error.message.endswith(" is not a Module subclass") and "list " not in error.message:
            return at(error, self.said + " " + say("(PyTorch says: {error})", error=error.message))
        return None


class LayerOverwritten(Noticed):
    id = "layer-overwritten"
    message = "An attribute is assigned twice in the constructor: the first layer is lost."
    why = (
        "The second assignment replaces the first layer, and its weights are gone. Where two layers are needed, one is "
        "now used twice or is not there at all."
    )
    hints = (
        "An attribute holds one thing at a time. Two layers need two names.",
        "Read the constructor from top to bottom. Which `self` name stands on the left of an equals sign twice?",
        "Number the layers, as in `self.bn1` and `self.bn2`, and call each of them once in `forward`.",
    )
    explains = False
    rank = "before"
    broken = (
        changed(RESBLOCK, ("self.conv2 = ", "self.conv1 = ")),
        changed(RESBLOCK, ("self.bn2 = ", "self.bn1 = "), ("self.bn2(", "self.bn1(")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for found in facts(examined):
            for layer in found.overwritten:
                said = say(
                    "self.{attribute} is assigned twice in the constructor: the first {layer} is lost.",
                    attribute=layer.attribute,
                    layer=layer.type,
                )
                return Notice(Proof.REPORTED, layer.cell, layer.line, said)
        return None


class LayerNotKept(Noticed):
    id = "layer-not-kept"
    message = "The constructor makes a layer and does not keep it."
    why = (
        "A layer that is made and not stored is gone at the end of its line. It takes no part in the block, and no "
        "optimizer will ever see its weights."
    )
    hints = (
        "A call such as `nn.Conv2d(...)` makes a layer. It joins your module when you assign it to `self`.",
        "Look in the constructor for a line that makes a layer but has no `self` on its left.",
        "Give the layer a name, `self.conv2 = nn.Conv2d(...)`, and call that in `forward`.",
    )
    explains = False
    rank = "before"
    broken = (
        changed(RESBLOCK, (BN2, BN2.replace("self.bn2 = ", "")), ("self.bn2(self.conv2(out))", "self.conv2(out)")),
        changed(RESBLOCK, (BN2, BN2.replace("self.bn2 = ", "bn2 = "))),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for found in facts(examined):
            for layer in found.dropped:
                said = say(
                    "The constructor makes a {layer} and does not keep it: assign it to an attribute of self.",
                    layer=layer.type,
                )
                return Notice(Proof.REPORTED, layer.cell, layer.line, said)
        return None
