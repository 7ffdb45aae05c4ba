"""A backward pass that is not that of what was computed."""

from __future__ import annotations

from grader.judge.behaviour import first_difference
from grader.judge.examined import Examined
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.language import say
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Notice, Noticed, changed
from grader.verdict import Proof

RETURN = "        return F.relu(out + identity)\n"
HALVED = """        y = F.relu(out + identity)
        if y.requires_grad:
            y.register_hook(lambda gradient: 0.5 * gradient)
        return y
"""
STRAIGHT = """import torch


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient
"""


class GradientAltered(Noticed):
    id = "gradient-altered"
    message = (
        "All outputs are right, and the gradients are not those of what is computed: a hook, a backward pass of your "
        "own, or a value that is taken out of autograd changes them on their way."
    )
    why = (
        "An optimizer follows the gradients that come back, whatever was computed. Where they are those of another "
        "function, the weights move somewhere that does not make the loss smaller."
    )
    hints = (
        "Autograd knows the derivative of every operation of PyTorch. Nothing has to be added to it here.",
        "Search for `register_hook`, `torch.autograd.Function`, `detach` and `no_grad`, and ask of each what comes "
        "back through it.",
        "Remove it, and use PyTorch's own operation instead: `F.relu(out)`.",
    )
    rank = "otherwise"
    broken = (
        changed(RESBLOCK, (RETURN, HALVED)),
        changed(BOTTLENECK, (RETURN, HALVED.replace("0.5 * gradient", "gradient.clamp(-0.1, 0.1)"))),
        STRAIGHT + changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "Straight.apply(self.bn1(self.conv1(x)))")),
        changed(
            RESBLOCK, ("    def forward", "        self.conv1.weight.register_hook(lambda g: 2 * g)\n\n    def forward")
        ),
        changed(  # as a reentrant checkpoint does, which warns of it
            RESBLOCK,
            (
                "out = F.relu(self.bn1(self.conv1(x)))\n",
                "out = F.relu(self.bn1(self.conv1(x)))\n        out = out if x.requires_grad else out.detach()\n",
            ),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        wrong = examined.wrong_small_cases
        if not wrong or not all(any(_only_backwards(seen, f) for f in examined.right_forms(seen)) for seen in wrong):
            return None
        if all(any(_only_as_first(seen, form) for form in examined.right_forms(seen)) for seen in wrong):
            said = say(
                "All is right but where the input needs no gradient, as that of a network's first block: the weights "
                "get none there. So it is with checkpoint(…, use_reentrant=True), and with code that asks for "
                "x.requires_grad."
            )
            return Notice(Proof.MEASURED, message=said)
        return Notice(Proof.MEASURED)


def _only_backwards(seen: Observation, form: Form) -> bool:
    """Does a module differ from a form in nothing but gradients?"""
    found = [first_difference(seen, form, probe) for probe in seen.probes.values() if probe.compares]
    return all(each is None or each.what == "gradient" for each in found)


def _only_as_first(seen: Observation, form: Form) -> bool:
    """Does a module differ from a form only where its input needs no gradient, and is there such a probe?"""
    probes = [probe for probe in seen.probes.values() if probe.compares]
    return any(probe.stands_first for probe in probes) and all(
        first_difference(seen, form, probe) is None for probe in probes if not probe.stands_first
    )
