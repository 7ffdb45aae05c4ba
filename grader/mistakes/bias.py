"""Biases of convolutions: those that a batch norm subtracts again, where they are forbidden; and missing ones."""

from __future__ import annotations

from grader.assignment import ModuleExercise
from grader.judge.behaviour import behaves_like
from grader.judge.examined import Examined, RightAnswers
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._families import BIASED
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, Planted, changed, plant
from grader.verdict import Proof

UNBIASED = changed(RESBLOCK, ("ResBlock", "UnbiasedBlock"))


class RedundantBias(Noticed):
    id = "redundant-bias"
    message = (
        "A convolution in front of a batch norm has a bias, which the batch norm subtracts again: a parameter that "
        "does nothing. The task asks for bias=False. All else is right."
    )
    why = (
        "A batch norm subtracts the mean of each channel, and any bias goes away with it. These extra numbers take "
        "memory and training steps, and can never change the output."
    )
    hints = (
        "A bias adds one number to a whole channel. The batch norm behind it takes the mean of the channel away, so "
        "nothing of the bias is left.",
        "Look at each convolution that is followed by a batch norm. In PyTorch a convolution has a bias unless you say "
        "otherwise.",
        "Switch it off: `nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)`.",
    )
    broken = (
        changed(UNBIASED, ("bias=False", "bias=True")),
        changed(UNBIASED, ("3, stride=1, padding=1, bias=False", "3, stride=1, padding=1")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        exercise, answers = examined.exercise, examined.answers
        if not isinstance(exercise, ModuleExercise) or answers is None or exercise.conv_bias == "free":
            return None
        if len(examined.ran) < len(exercise.cases):
            return None
        variants = range(len(answers.reference.variants))
        explained = any(_explains(answers, examined.ran, variant) for variant in variants)
        return Notice(Proof.REPLAYED) if explained else None


def _explains(answers: RightAnswers, ran: list[Observation], variant: int) -> bool:
    """Would it be right in all cases if such biases were free, and is it not so without any?"""
    return all(_does(seen, answers.biased_forms(seen.case), variant) for seen in ran) and not all(
        _does(seen, answers.plain_forms(seen.case), variant) for seen in ran
    )


def _does(seen: Observation, forms: list[Form], variant: int) -> bool:
    return any(behaves_like(seen, [form]) for form in forms if form.variant == variant)


def drop_biases(*, branch: bool, last: bool, projection: bool) -> Edit:
    """Convolutions without a bias: those of the branch but the last, its last one, the projection."""

    def change(block: Block) -> None:
        found = [*(block.convolutions[:-1] if branch else []), *(block.convolutions[-1:] if last else [])]
        found += [block.projection] if projection and block.projection is not None else []
        for node in found:
            block.editor.set_argument(node.id, 2, None)

    return edit(change)


class BiasMissing(Planted):
    id = "bias-missing"
    message = "A convolution has bias=False. Here the convolutions have a bias."
    why = (
        "A bias adds one number to each channel. In front of a batch norm it does nothing, but the last convolution of "
        "such a branch has none behind it, and there it counts."
    )
    hints = (
        "In PyTorch a convolution has a bias unless you say otherwise.",
        "Look for `bias=False` in your convolutions, on the branch and on the shortcut.",
        "Leave it out: `nn.Conv2d(channels, channels, 3, padding=1)`.",
    )
    plants = (
        plant(drop_biases(branch=True, last=True, projection=True), where="convolution 0"),
        plant(drop_biases(branch=True, last=True, projection=False), where="convolution 0"),
        plant(drop_biases(branch=False, last=True, projection=False), where="convolution 1"),
        plant(drop_biases(branch=False, last=True, projection=True), where="convolution 1"),
        plant(drop_biases(branch=False, last=False, projection=True), where="projection"),
        plant(drop_biases(branch=True, last=False, projection=False), where="convolution 0"),
    )
    broken = (
        changed(BIASED, ("padding=1)", "padding=1, bias=False)")),
        changed(
            BIASED, ("padding=1)", "padding=1, bias=False)"), ("1, stride=stride)", "1, stride=stride, bias=False)")
        ),
    )
