"""Steps of a plain network that are missing, too many, in another order, or other ones."""

from __future__ import annotations

from dataclasses import replace

from grader.judge.chain import Step
from grader.judge.chain_topics import Difference
from grader.language import later, say
from grader.mistakes._chained import Chained, ChainMistake, layer_at, layers_of, listed, step_name, step_names
from grader.mistakes._mistake import changed

# A plain network, as students write it. Mistakes are shown as changes to it.
PLAIN = """
import torch
from torch import nn
import torch.nn.functional as F


class PlainBlock(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out)


class Plain(nn.Module):
    def __init__(self, depth, num_classes):
        super().__init__()
        n = (depth - 2) // 6
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.layer1 = self._make_layer(16, 16, n, 1)
        self.layer2 = self._make_layer(16, 32, n, 2)
        self.layer3 = self._make_layer(32, 64, n, 2)
        self.fc = nn.Linear(64, num_classes)

    def _make_layer(self, c_in, c_out, blocks, stride):
        blocks = [PlainBlock(c_out if i else c_in, c_out, 1 if i else stride) for i in range(blocks)]
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(x)


def plain(depth, num_classes=10):
    return Plain(depth, num_classes)
"""
SECOND = "self.bn2(self.conv2(out))"
LAST = "return F.relu(out)"
HEAD = "return self.fc(x)"


class ChainActivationMissing(ChainMistake):
    id = "chain-activation-missing"
    topic = "activation missing"
    elsewhere = ("inner-relu-missing", "final-relu-missing", "trunk-step-missing")
    message = "Behind a layer the activation is missing."
    why = (
        "Two layers with nothing between them that bends can do no more than one. A deep network is more than a "
        "shallow one only because of what stands between its layers."
    )
    hints = (
        "Convolutions are linear, and so is batch norm in evaluation. A ReLU behind them makes the next layer worth "
        "having.",
        "Follow the values from layer to layer. What comes between the layer that is named and the next one?",
        "Put a ReLU there, as in `F.relu(self.bn1(self.conv1(x)))`.",
    )
    check = "gradient"
    broken = (changed(PLAIN, (LAST, "return out")), changed(PLAIN, (", nn.ReLU())", ")")))

    def told(self, chained: Chained, found: list[Difference]) -> str:
        wanted = found[0].wanted
        name = step_name("activation", wanted.what if wanted is not None else "")
        return say(
            "Behind {where} an activation is missing: {step}.",
            where=layers_of(chained, found, "activation"),
            step=name,
        )


class ChainNormMissing(ChainMistake):
    id = "chain-norm-missing"
    topic = "norm missing"
    elsewhere = ("bn-missing", "trunk-step-missing")
    message = "Behind a layer the batch norm is missing."
    why = (
        "Batch norm keeps the values of each channel in one range, however deep the network is. Without it a deep "
        "network is hard to train, and the layers behind get other values."
    )
    hints = (
        "Each layer that the task follows with a batch norm has one of its own.",
        "Count the layers and the batch norms, and go through `forward` layer by layer.",
        "Make a batch norm with the channels of its layer, and use it, as in `self.bn1(self.conv1(x))`.",
    )
    check = "parameters"
    broken = (
        changed(PLAIN, (SECOND, "self.conv2(out)"), ("        self.bn2 = nn.BatchNorm2d(c_out)\n", "")),
        changed(PLAIN, (" nn.BatchNorm2d(16),", "")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        return say("Behind {where} the batch norm is missing.", where=layers_of(chained, found, "norm"))


class ChainOrder(ChainMistake):
    id = "chain-order"
    topic = "order"
    message = "The steps behind a layer stand in another order than the task asks for."
    why = (
        "The same steps in another order compute something else. A batch norm behind the ReLU sees no value below "
        "zero, and gives some to the next layer."
    )
    hints = (
        "The task says in which order the steps stand. In ResNet it is: convolution, batch norm, ReLU.",
        "Read the calls from the inside out: the innermost one comes first.",
        "Put the calls into the order of the task, as in `F.relu(self.bn1(self.conv1(x)))`, or the layers in "
        "`nn.Sequential`.",
    )
    check = "gradient"
    broken = (
        changed(PLAIN, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(F.relu(self.conv1(x)))")),
        changed(PLAIN, ("nn.BatchNorm2d(16), nn.ReLU())", "nn.ReLU(), nn.BatchNorm2d(16))")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        compared, first = chained.compared, found[0]
        kind = first.wanted.kind if first.wanted is not None else ""
        layers = [replace(each, at=compared.layer_at(each.row)) for each in found]
        stands, should = compared.orders(found)
        return say(
            "At {where} the order is {found}. The task asks for {wanted}.",
            where=layers_of(chained, layers, kind),
            found=_row(stands),
            wanted=_row(should),
        )


def _row(steps: list[Step]) -> str:
    return " → ".join(step_name(step.kind, step.what) for step in steps)


class ChainStepMissing(ChainMistake):
    id = "chain-step-missing"
    topic = "missing"
    elsewhere = ("trunk-step-missing",)
    message = "A step of the network is missing."
    why = (
        "Every step has its work to do: layers find, pooling sums up, and the last layer makes scores. One step less "
        "changes what all the steps behind it get."
    )
    hints = (
        "A network is a list of steps. The task names them all.",
        "Write the steps of your `forward` below each other, and those of the task beside them.",
        "Put in the step that is named, at the place that is named. A layer has to be made in the constructor, too.",
    )
    broken = (
        changed(PLAIN, ("nn.Linear(64, num_classes)", "nn.Linear(64, num_classes, bias=False)")),
        changed(PLAIN, ("F.adaptive_avg_pool2d(x, 1).flatten(1)", "x.flatten(1)"), ("Linear(64,", "Linear(64 * 64,")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        compared = chained.compared
        if all(each.name == "bias" for each in found):
            return say("The bias of {where} is missing.", where=listed([layer_at(compared, each.at) for each in found]))
        return say(
            "Behind {where} a step is missing: {step}.",
            where=listed(list(dict.fromkeys(layer_at(compared, each.at) for each in found))),
            step=step_names(each.wanted for each in found if each.name != "bias"),
        )


class ChainStepExtra(ChainMistake):
    id = "chain-step-extra"
    topic = "extra"
    message = "The network has a step too many."
    why = (
        "One step more makes another network, which gives other numbers. What is measured with it, how fast it learns "
        "or how good it gets, says nothing about the network of the task."
    )
    hints = (
        "The task names all steps of the network. Between them, before and behind them there are no others.",
        "Go through your `forward` step by step, and look for each step in the task. Which one is not there?",
        "Take out the step that is named, and its layer in the constructor, if it has one.",
    )
    check = "gradient"
    broken = (
        changed(PLAIN, (HEAD, "return F.relu(self.fc(x))")),
        changed(PLAIN, ("self.layer1(self.stem(x))", "self.layer1(F.max_pool2d(self.stem(x), 3, 1, 1))")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        compared = chained.compared
        if all(each.name == "bias" for each in found):
            where = listed([layer_at(compared, each.at) for each in found])
            return say("There is a bias too many: that of {where}.", where=where)
        others = [each for each in found if each.name != "bias"]
        firsts = [each for n, each in enumerate(others) if not n or each.at != others[n - 1].at + 1]
        return say(
            "Behind {where} there is a step too many: {step}.",
            where=listed(list(dict.fromkeys(layer_at(compared, _before(each)) for each in firsts))),
            step=step_names(each.found for each in others),
        )


def _before(each: Difference) -> int:
    """Where a step too many stands: a layer stands behind the one before it."""
    is_layer = each.found is not None and each.found.kind in ("convolution", "linear")
    return each.at - is_layer


INSTEAD = {
    "numbers": later("At {where} the {step} has other settings than the task asks for: {found} instead of {wanted}."),
    "groups": later("The layer {where} works in {found} groups instead of {wanted}."),
    "dilation": later("The layer {where} is dilated by {found} instead of {wanted}."),
    "affine": later("Scale and shift of the {step} at {where} are others than the task asks for: there or not there."),
    "back": later("The addition behind {where} adds another value than the task asks for."),
    "own": later("The {step} at {where} uses the statistics of its batch in evaluation mode, too."),
}


class ChainStepChanged(ChainMistake):
    id = "chain-step-changed"
    topic = "changed"
    message = "A step of the network is another one than the task asks for."
    why = (
        "Steps that look alike compute different things. The average asks how much there is of something, the largest "
        "value only whether it is there at all; a ReLU has nothing to learn and nothing to set."
    )
    hints = (
        "Each step has a kind and settings. The task names them where they are not the usual ones.",
        "Look at the step that is named: at its kind, and at what stands in its brackets.",
        "Use the one of the task, as in `F.adaptive_avg_pool2d(x, 1)`, `F.relu(x)` or `nn.BatchNorm2d(channels)`.",
    )
    check = "gradient"
    broken = (
        changed(PLAIN, ("F.adaptive_avg_pool2d", "F.adaptive_max_pool2d")),
        changed(PLAIN, (LAST, "return F.leaky_relu(out, 0.2)")),
        changed(PLAIN, ("nn.BatchNorm2d(c_out)", "nn.BatchNorm2d(c_out, eps=1e-3)")),
        changed(PLAIN, ("nn.BatchNorm2d(c_out)", "nn.GroupNorm(4, c_out)")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        first = most_telling(found)
        wanted, other = first.wanted, first.found
        assert wanted is not None
        assert other is not None
        same = [each for each in found if (each.name, each.wanted, each.found) == (first.name, wanted, other)]
        where = layers_of(chained, same, wanted.kind)
        step = step_name(wanted.kind, wanted.what)
        if first.name == "what":
            return say(
                "Behind {where} stands {found} instead of {wanted}.",
                where=where,
                found=step_name(other.kind, other.what),
                wanted=step,
            )
        mine, theirs = shown(getattr(other, first.name), getattr(wanted, first.name))
        return say(INSTEAD[first.name], where=where, step=step, found=mine, wanted=theirs)


def most_telling(found: list[Difference]) -> Difference:
    """Of several differences one between two kinds of step, if there is one; else the first."""
    return next((each for each in found if each.name == "what"), found[0])


def shown(found: object, wanted: object) -> tuple[str, str]:
    """Two values of one setting in words; of windows of one size more than their size."""
    is_window = [isinstance(value, tuple) and bool(value) and isinstance(value[0], tuple) for value in (found, wanted)]
    in_full = all(is_window) and _size(found) == _size(wanted)
    return _shown(found, in_full=in_full), _shown(wanted, in_full=in_full)


def _shown(value: object, *, in_full: bool) -> str:
    if value == ():
        return say("the whole map")
    if not isinstance(value, tuple):
        return str(value)
    if not isinstance(value[0], tuple):
        return ", ".join(map(str, value))
    if not in_full:
        return _size(value)
    size, stride, padding, *_ = [*(each for each in value if isinstance(each, tuple)), (), ()]
    words = later("{size} with stride {stride} and padding {padding}")
    said = say(words, size=_size(value), stride=_times(stride or size), padding=_times(padding or (0, 0)))
    return say("{window}, rounded up", window=said) if True in value else said


def _size(window: object) -> str:
    return _times(window[0]) if isinstance(window, tuple) else ""


def _times(numbers: object) -> str:
    assert isinstance(numbers, tuple)
    return "×".join(map(str, numbers))
