"""The same input gives different outputs, or each input is computed in a way of its own."""

from __future__ import annotations

from grader.assignment import NetworkExercise
from grader.judge.behaviour import first_difference
from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, facts, is_unsteady, places, weights_are_computed
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.observation import Draw
from grader.verdict import Proof

SUM = "F.relu(out + identity)"
LAST = "        self.shortcut = nn.Sequential()\n"


def drawn(examined: Examined) -> list[Draw]:
    """What drew random numbers in passes that were unsteady. The student's word."""
    answers = [answer for seen in examined.ran for answer in seen.answers.values()]
    return [draw for answer in answers for draw in answer.draws]


def asks_for_gradients(examined: Examined) -> bool:
    """Is whatever is unsteady so only in that passes without gradients give something else?"""
    unsteady = [answer for seen in examined.ran for answer in seen.unsteady]
    return bool(unsteady) and all(answer.by_mode for answer in unsteady)


def is_right_in_evaluation(examined: Examined) -> bool:
    """Does every case equal an accepted form on all probes in evaluation mode?"""
    return bool(examined.ran) and all(
        any(
            all(
                first_difference(seen, form, probe) is None
                for probe in seen.probes.values()
                if probe.compares and not probe.train
            )
            for form in examined.right_forms(seen)
        )
        for seen in examined.ran
    )


class DropoutAdded(Noticed):
    id = "dropout-added"
    message = "There is dropout in the block; the task asks for none."
    why = (
        "Dropout sets random values to zero in training and none in evaluation. A batch norm behind it then meets "
        "values of another spread than those it was trained on."
    )
    hints = (
        "Dropout works against overfitting, as batch norm does, and one behind the other they get in each other's way. "
        "What you were asked for does without.",
        "Search the constructor for `nn.Dropout` or `nn.Dropout2d`, and `forward` for `F.dropout`.",
        "Delete the layer and its call: of `out = self.drop(self.conv2(out))` remains `out = self.conv2(out)`.",
    )
    broken = (
        changed(RESBLOCK, ("self.conv2(out)", "self.conv2(F.dropout(out, 0.3, self.training))")),
        changed(
            RESBLOCK,
            (LAST, "        self.drop = nn.Dropout2d(0.5)\n" + LAST),
            (SUM, "F.relu(self.drop(out) + identity)"),
        ),
        changed(RESBLOCK, (SUM, "F.dropout(F.relu(out + identity), 0.1)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        draws = drawn(examined)
        if not is_unsteady(examined) or not draws or not all("dropout" in draw.function for draw in draws):
            return None
        if _takes_probability(examined):
            said = say(
                "The same input gives different outputs: dropout has another probability than the constructor is "
                "given, or there is more of it than the task asks for."
            )
            return Notice(Proof.MEASURED, draws[0].cell, draws[0].line, said)
        always = any("dropout" in draw.function for found in facts(examined) for draw in found.draws)
        if not always and is_right_in_evaluation(examined):
            said = say(
                "In evaluation mode the block is right; in training mode its output is random: there is dropout, and "
                "the task asks for none."
            )
            return Notice(Proof.MEASURED, draws[0].cell, draws[0].line, said)
        said = self.said
        if isinstance(examined.exercise, NetworkExercise):
            said = say(
                "There is dropout in the network, so that in training its outputs are random; the task asks for blocks "
                "without."
            )
        if always:
            said += " " + say(
                "As it stands it is active in evaluation mode too: F.dropout needs training=self.training."
            )
        return Notice(Proof.MEASURED, draws[0].cell, draws[0].line, said)


def _takes_probability(examined: Examined) -> bool:
    """Does the task ask for dropout, of a probability that the constructor takes? In no case is it random then."""
    cases, answers = examined.exercise.cases, examined.answers
    named = any("drop" in name for case in cases for name in case.arguments)
    return named or (answers is not None and any(map(answers.reference.has_dropout, cases)))


class RandomBehaviour(Noticed):
    id = "random-behaviour"
    message = "forward draws random numbers: the same input gives different outputs."
    why = (
        "One input should give one output, or nobody can repeat your results. Random numbers in `forward` also hide "
        "what the weights have learned."
    )
    hints = (
        "Chance has its place when weights are first made. After that the output depends on input and weights alone.",
        "Search `forward`, and all that it calls, for `torch.rand`, `torch.randn`, `torch.randperm`, or random numbers "
        "from NumPy or Python.",
        "Take them out of `forward`. What should only start at random is made once, in the constructor: `self.w = "
        "nn.Parameter(torch.randn(n))`.",
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity + 0.1 * torch.randn_like(out))")),
        changed(RESBLOCK, (SUM, "F.relu(out * (not self.training or torch.rand(()) > 0.5) + identity)")),
        changed(
            RESBLOCK,
            (SUM, "F.relu(out * np.random.rand() + identity)"),
            ("import torch\n", "import torch, numpy as np\n"),
        ),
        changed(
            RESBLOCK, (SUM, "F.relu(out * random.random() + identity)"), ("import torch\n", "import torch, random\n")
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        draws = [draw for draw in drawn(examined) if "dropout" not in draw.function]
        if not is_unsteady(examined) or not draws or any(found.created for found in facts(examined)):
            return None
        names = ", ".join(sorted({draw.op.removeprefix("aten.").split(".")[0].strip("_") for draw in draws})[:4])
        said = self.said + " " + say("They come from {names}.", names=names)
        return Notice(Proof.MEASURED, draws[0].cell, draws[0].line, said)


class ByGradientMode(Noticed):
    id = "by-gradient-mode"
    message = (
        "The same input gives one output while gradients are recorded and another under torch.no_grad(): forward asks "
        "for that, and chooses by it."
    )
    why = (
        "With gradients or without, in training or in use, a block computes one function. If it chooses by that, what "
        "is used is not what was trained."
    )
    hints = (
        "Whether gradients are recorded is a matter of memory and time. It has no say in what is computed.",
        "Look in `forward` for `requires_grad`, `is_leaf`, `grad_fn` and `torch.is_grad_enabled()`.",
        "Leave that test out and compute the same in both cases: `F.relu(out + shortcut)`.",
    )
    broken = (
        changed(RESBLOCK, (SUM, f"{SUM} if x.requires_grad else F.relu(out)")),
        changed(RESBLOCK, (SUM, f"{SUM} * (1.0 if torch.is_grad_enabled() else 0.5)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        if not asks_for_gradients(examined) or drawn(examined) or any(found.created for found in facts(examined)):
            return None
        return Notice(Proof.MEASURED)


class StateKept(Noticed):
    id = "state-kept"
    message = (
        "The same input gives different outputs, and no random numbers are drawn: forward keeps something from one "
        "call to the next, a counter or a result."
    )
    why = (
        "The output now depends on what the block saw before, so one picture can get two answers. Results change with "
        "the order of the data, and such faults are hard to find later."
    )
    hints = (
        "`forward` is like a function in mathematics: same input, same weights, same output. Only batch norm keeps "
        "running averages, and only in training.",
        "Look in `forward` for assignments to `self.something`, for lists that grow, and for global names.",
        "Keep results under local names, which end with the call: `out = self.conv1(x)`. Set attributes in the "
        "constructor only.",
    )
    broken = (
        changed(
            RESBLOCK,
            ("        identity =", "        self.calls = getattr(self, 'calls', 0) + 1\n        identity ="),
            (SUM, "F.relu(out + identity * self.calls)"),
        ),
        changed(
            RESBLOCK,
            (
                "        identity =",
                "        out, self.last = out + getattr(self, 'last', 0), out.detach().mean()\n        identity =",
            ),
        ),
        *(
            # It raises in the next call: at another shape, or since the weights are no longer those it was computed by.
            changed(
                RESBLOCK,
                ("        identity = self.shortcut(x)\n", f"        identity = self.kept = {kept}\n"),
                (LAST, LAST + "        self.kept = None\n"),
            )
            for kept in (
                "self.shortcut(x) if self.kept is None else self.kept",
                "self.shortcut(x) if self.kept is None or self.kept.shape != out.shape else self.kept",
            )
        ),
        changed(
            RESBLOCK,
            (LAST, LAST + "        self.outputs = []\n"),
            ("        identity =", "        self.outputs.append(x)\n        identity ="),
            ("self.shortcut(x)", "self.shortcut(self.outputs[0])"),
        ),
        changed(
            RESBLOCK,
            (
                "return " + SUM,
                "self.y = getattr(self, 'y', {})\n        return self.y.setdefault(x.shape, F.relu(out + identity))",
            ),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        left = next((answer for seen in examined.ran for answer in seen.answers.values() if answer.kept), None)
        if left is not None and left.raised is not None:
            if left.raised.stage == "backward":
                said = say(
                    "forward uses what an earlier call or the constructor has computed: the backward pass of a later "
                    "call raises."
                )
                return Notice(Proof.MEASURED, message=said)
            return at(
                left.raised,
                say(
                    "A module that was not called before takes this input, and one that was raises: forward keeps "
                    "something from one call to the next, such as a result or a list that grows."
                ),
            )
        if not is_unsteady(examined) or drawn(examined) or any(found.created for found in facts(examined)):
            return None
        if asks_for_gradients(examined):
            return None
        # Spectral norm keeps its vectors from call to call: that it is there says more.
        return None if weights_are_computed(examined) else Notice(Proof.MEASURED)


class DecidedByData(Noticed):
    id = "decided-by-data"
    message = "What is computed depends on the numbers that come in."
    why = (
        "A choice by the numbers sends each batch down one of several roads, and only that road learns. A tiny change "
        "of one value can flip the choice, and then the output jumps."
    )
    hints = (
        "The block computes one formula for all inputs. Choices are made in the constructor, where channels and stride "
        "are known.",
        "Look in `forward` for an `if`, a `while`, `torch.where` or a maximum that depends on the values in a tensor.",
        "Decide in the constructor, from `stride` and the channels, and let `forward` compute one thing: `F.relu(out + "
        "self.shortcut(x))`.",
    )
    rank = "otherwise"
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity * x.mean().item())")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity / max(1.0, *x.flatten().tolist()))")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity * len((out > 0).nonzero()))")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            reads = [read for read in seen.built.facts.reads if read.what != "changed"]
            # Code that only prints or asserts computes the same for other numbers.
            if reads and seen.verified is None and seen.unlike:
                return Notice(Proof.MEASURED, reads[0].cell, reads[0].line, f"{self.said} {_taken_out(places(reads))}")
        return None


def _taken_out(where: str) -> str:
    if not where:
        return say(
            "On some line Python takes numbers out of a tensor, and what was recorded for one input does not hold for "
            "another."
        )
    return say(
        "On {where} Python takes numbers out of a tensor, and what was recorded for one input does not hold for "
        "another.",
        where=where,
    )
