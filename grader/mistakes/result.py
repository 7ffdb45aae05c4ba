"""What forward returns, and what it computes and does not return."""

from __future__ import annotations

import re

from torch import nn

from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, facts, raised
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Output
from grader.verdict import Proof

SUM = "return F.relu(out + identity)"
FIRST = "out = F.relu(self.bn1(self.conv1(x)))"


class OutputMissing(Noticed):
    id = "output-missing"
    message = "forward returns None: it computes the result but does not return it."
    why = (
        "A function without a `return` gives None. What it has computed is thrown away, and whoever called it gets "
        "nothing to work with."
    )
    hints = (
        "To compute a value and to hand it back are two things. Only `return` hands it back.",
        "Look at the last line of the function. Is there a `return`, and is it indented so that it is reached in every "
        "case?",
        "End the function with its result, as in `return out`.",
    )
    broken = (
        changed(RESBLOCK, (SUM, SUM.removeprefix("return "))),
        changed(RESBLOCK, (SUM, "out = F.relu(out + identity)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            if seen.built.output is not None and seen.built.output.kind == "NoneType" and seen.built.operations:
                return Notice(Proof.MEASURED)
            if seen.built.not_a_module == "NoneType":
                return Notice(Proof.MEASURED, message=say("It returns nothing: is there a return?"))
        return None


class OutputNotATensor(Noticed):
    id = "output-not-a-tensor"
    message = "forward returns something other than one tensor."
    why = "The next layer can only work with a tensor. A tuple, a list or a plain number stops the whole network there."
    hints = (
        "A module takes one tensor and gives one tensor. What else you would like to see can be printed meanwhile.",
        "Look at the `return` line: a comma makes a tuple, square brackets make a list, and `.item()` makes a number.",
        "Return the tensor by itself, without comma or brackets: `return out`.",
    )
    broken = (
        changed(RESBLOCK, (SUM, SUM + ",")),
        changed(RESBLOCK, (SUM, "return out, identity")),
        changed(RESBLOCK, (SUM, "return [F.relu(out + identity)]")),
        changed(RESBLOCK, (SUM, "return F.relu(out + identity).mean().item()")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            output = seen.built.output
            if output is not None and output.kind not in ("tensor", "NoneType") and not _is_layer(output.kind):
                return Notice(Proof.MEASURED, message=self._words(output))
        return None

    def _words(self, output: Output) -> str:
        if output.kind == "tuple" and output.length == 1:
            return say("forward returns a tuple that holds one value. A comma at the end of the line makes a tuple.")
        if output.length is not None:
            return say(
                "forward returns a {kind} of {length}; the task asks for one tensor.",
                kind=output.kind,
                length=output.length,
            )
        return say("forward returns a {kind}; the task asks for one tensor.", kind=output.kind)


# How torch and Python say that they were given a layer. Others have layers' names in them: "ReLU.forward() got …".
IN_PLACE_OF_TENSOR = (
    re.compile(r"must be Tensor, not (\w+)"),
    re.compile(r"\bgot \(([^)]*)\)"),
    re.compile(r"\bbut got (\w+)"),
    re.compile(r"operand type\(s\) for \S+ ('\w+' and '\w+')"),
    re.compile(r"(\w+)\.__init__\(\) takes"),
)


# How torch refuses a tensor for a number of channels: a batch norm was made of it, and not applied to it.
MADE_OF_TENSOR = "empty(): argument 'size' (position 1) must be tuple of ints, not Tensor"


def names_layer(said: str, of: str) -> bool:
    """Does an exception of a type say that a layer was met where a tensor should be? Of no type: is that a layer?"""
    if not of:
        return _is_layer(said)
    said = said.split("expected one of")[0]
    words = [word for pattern in IN_PLACE_OF_TENSOR for found in pattern.findall(said) for word in found.split()]
    return of == "TypeError" and (said == MADE_OF_TENSOR or any(_is_layer(word.strip("',")) for word in words))


def _is_layer(name: str) -> bool:
    found = getattr(nn, name, None)
    return isinstance(found, type) and issubclass(found, nn.Module)


class LayerNotCalled(Noticed):
    id = "layer-not-called"
    message = "A layer stands where its result should: nn.ReLU(x) only makes one, self.bn1 only names one."
    why = (
        "`nn.ReLU(x)` makes a new layer and takes x for one of its settings. It is not applied to anything, so the "
        "values go on without it, or the next step gets a layer in place of a tensor."
    )
    hints = (
        "To make a layer and to apply it are two steps, with a pair of brackets each.",
        "Look in `forward` for `nn.` and a capital letter with a tensor in the brackets, and for a layer of yours "
        "without brackets.",
        "Use the function, `F.relu(x)`. Or make `self.relu = nn.ReLU()` once and call `self.relu(x)`.",
    )
    broken = (
        changed(RESBLOCK, (FIRST, "out = nn.ReLU(self.bn1(self.conv1(x)))")),
        changed(RESBLOCK, (SUM, "return nn.ReLU(out + identity)")),
        changed(RESBLOCK, (SUM, "return nn.ReLU(inplace=True) + identity")),
        changed(RESBLOCK, (FIRST, "out = self.conv1(x)\n        out = F.relu(self.bn1)")),
        changed(RESBLOCK, (FIRST, "out = nn.Tanh(self.bn1(self.conv1(x)))")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            if seen.built.output is not None and _is_layer(seen.built.output.kind):
                return Notice(Proof.MEASURED)
        error = raised(examined)
        if error is None or error.stage != "forward":
            return None
        return at(error) if names_layer(error.message, of=error.type) else None


class ResultDiscarded(Noticed):
    id = "result-discarded"
    message = "The result of an operation is not used. Most operations give a new tensor, which is lost here."
    why = (
        "Most operations leave their input alone and give back a new tensor. If nobody keeps that, the work is lost, "
        "and the old values go on."
    )
    hints = (
        "A call that stands alone in its line changes nothing, unless its name ends in an underscore.",
        "Look at the marked line. Is there a name and an equals sign on its left?",
        "Keep the result under a name, and go on with it: `out = F.relu(out)`.",
    )
    explains = False
    rank = "before"
    broken = (
        changed(RESBLOCK, (FIRST, "out = self.bn1(self.conv1(x))\n        F.relu(out)")),
        changed(RESBLOCK, (SUM, "out = out + identity\n        torch.relu(out)\n        return out")),
        changed(RESBLOCK, ("out = self.bn2(self.conv2(out))", "out = self.conv2(out)\n        self.bn2(out)")),
        changed(RESBLOCK, (SUM, "out + identity\n        return F.relu(out)")),
        changed(RESBLOCK, (SUM, "out.add(identity)\n        return out.relu()")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for found in facts(examined):
            for act in found.discarded:
                name = act.op.removeprefix("aten.").split(".")[0].strip("_").removeprefix("native_")
                said = say(
                    "The result of {name} is not used: it gives a new tensor and leaves the old one as it is. "
                    "Keep what it gives, as in `out = …`, and go on with that.",
                    name=name,
                )
                return Notice(Proof.REPORTED, act.cell, act.line, said)
        return None
