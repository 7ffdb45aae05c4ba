"""Is there a skip connection, and is it the right one?

The witness is behaviour: with the residual branch at zero the block must be its shortcut, and so must its Jacobian;
with the branch at a constant, the constant must be added. Whether a ReLU follows the addition, or precedes it on the
branch, is the gradient check's matter, not this one's.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.2, equations (1) and (2).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import _skip_lessons as lessons
from grader.checks._check import Check, Finding, in_case, not_everywhere, place, wrong_blocks
from grader.judge.activations import activate_branch, toggle_final_activation
from grader.judge.anatomy import anatomy
from grader.judge.behaviour import asked_alike
from grader.judge.compare import equal
from grader.judge.examined import Examined, show
from grader.judge.forms import Form, first_of_each_variant
from grader.judge.network import AS_RECORDED, RECORDING, TRAINING
from grader.judge.observed import Observation
from grader.judge.plan import blocks_by_channels
from grader.language import later, say
from grader.observation import Answer, Probe
from grader.verdict import Lesson, Status

ZERO = (
    Probe("zero", "zero", of_input=True),
    Probe("zero far", "zero", batch=1, scale=3.0, shift=-1.0, of_input=True, choosing=True),
)
ALIGNED = (
    Probe("zero branch", "zero-branch", batch=3, scale=2.0, shift=0.3, of_input=True),
    Probe("constant branch", "constant-branch", gradient=False),  # the shortcut's gradient is that at zero
)
MOST_SHARED = 4  # weights that are named
RECIPES = {probe.recipe for probe in (*ZERO, *ALIGNED)}


class SkipConnection(Check):
    id = "skip-connection"
    title = later("Skip connection")

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        if not case.confirm:
            yield from (*ZERO, *ALIGNED) if isinstance(exercise, ModuleExercise) else RECORDING
        elif isinstance(exercise, NetworkExercise) and exercise.trunk == "as-reference":
            yield from (AS_RECORDED, TRAINING)

    def judge_module(self, examined: Examined) -> Finding:
        assert examined.answers is not None
        measured: list[str] = []
        failed: list[Finding] = []
        untold: list[Finding] = []
        for seen in _with_shortcut(examined):
            # Without alignment only forms without weights on the shortcut can say what it is.
            forms = list(examined.right_forms(seen)) or examined.answers.plain_forms(seen.case)
            asked = [probe for probe in seen.probes.values() if probe.recipe in RECIPES]
            results = [_judge_probe(examined, seen, forms, probe) for probe in asked]
            wrong = next((finding for finding in results if finding is not None), None)
            if wrong is not None:
                (failed if wrong.status is Status.FAILED else untold).append(wrong)
            elif asked:
                case = in_case(examined, seen)
                measured.append(say("{case}: with the residual branch at zero the block is its shortcut.", case=case))
        if failed:
            failed[0].evidence = [finding.message for finding in failed[1:]] + measured
            return failed[0]
        if untold:
            return untold[0]
        if all(seen.case.confirm for seen in examined.ran):
            incomplete = not_everywhere(
                examined, later("The shortcut could only be looked at in {some} of {all} cases")
            )
            if incomplete is not None:
                return incomplete
        if not measured:
            return Finding(
                Status.SKIPPED,
                say(
                    "Not measured: the parameters could not be matched with the reference's, so the residual branch "
                    "cannot be told from the shortcut."
                ),
                advice=say(
                    "Once the number of parameters is right, this is checked too. Its points are pending, not lost."
                ),
            )
        return not_everywhere(examined, later("The block becomes its shortcut in {some} of {all} cases")) or Finding(
            Status.PASSED,
            say("With the residual branch at zero the block becomes its shortcut, and the gradient passes through it."),
            evidence=measured,
        )

    def judge_network(self, examined: Examined) -> Finding:
        assert isinstance(examined.exercise, NetworkExercise)
        recorded = [seen for seen in examined.ran if not seen.case.confirm]
        if not recorded:
            return Finding(Status.SKIPPED, say("All cases are confirming ones, in which no blocks are counted."))
        if examined.network.graph is None:
            return Finding(
                Status.SKIPPED,
                say(
                    "{case}: the network's blocks cannot be counted, because what it computes is not known: {reason}.",
                    case=in_case(examined, recorded[0]),
                    reason=say(examined.network.reason),
                ),
                advice=say("Its points are pending, not lost: a human looks at the network."),
            )
        return (
            _blocks_missing(examined, examined.exercise.min_blocks, recorded[0])
            or wrong_blocks(examined, self.id)
            or not_everywhere(examined, later("There are enough residual blocks in {some} of {all} cases"))
            or _blocks_unknown(examined)
            or Finding(
                Status.PASSED,
                say(
                    "The network has {found} residual blocks; at least {least} were asked for.",
                    found=examined.block_uses[0],
                    least=examined.exercise.min_blocks,
                ),
                expected=examined.exercise.min_blocks,
                actual=examined.block_uses[0],
                evidence=[
                    say("{block} is as {call} should be.", block=block.name, call=block.call)
                    for block in examined.blocks
                    if block.right
                ],
                notes=[
                    say(
                        "{block} makes the mistake that was marked down in {exercise}; it does not cost again.",
                        block=block.name,
                        exercise=block.excused,
                    )
                    for block in examined.blocks
                    if block.excused
                ],
            )
        )


def _with_shortcut(examined: Examined) -> list[Observation]:
    """The cases in which the reference adds a shortcut: blocks such as MobileNetV2's have none where they stride, and
    whatever is wrong there is no matter of this check. All cases, where the reference adds none in any."""
    assert examined.answers is not None
    plain = examined.answers.plain_forms
    adding = [seen for seen in examined.ran if any(anatomy(form.recorded) for form in plain(seen.case))]
    return adding or examined.ran


def _blocks_missing(examined: Examined, least: int, seen: Observation) -> Finding | None:
    """Too few blocks, or one that is used several times."""
    where = in_case(examined, seen)
    if examined.repeated is not None:
        repeated, found, again = examined.repeated
        return Finding(
            Status.FAILED,
            say(
                "{case}: {found} blocks are used {uses} times: a block that is used more than once shares its weights.",
                case=in_case(examined, repeated),
                found=found,
                uses=found + again,
            ),
            lesson=lessons.USED_AGAIN,
            expected=found + again,
            actual=found,
            advice=say("Make a new block for each place: `[ResBlock(16, 16)] * 3` holds one block three times."),
            **place(repeated, "output"),
        )
    found = examined.block_uses[0]
    if examined.sharing_blocks:
        return _shared_weights(examined, where)
    if examined.plan:
        return _wrong_depth(examined, where)
    if found < least and examined.adds_nothing:
        return Finding(
            Status.SKIPPED,
            say(
                "{case}: {found} residual blocks found, expected at least {least}. In {exercise} the addition is not "
                "as it should be, and has cost there: blocks of that kind cannot be counted.",
                case=where,
                found=found,
                least=least,
                exercise=examined.adds_nothing,
            ),
            advice=say("Its points are pending, not lost: a human looks at the network."),
        )
    if found < least and not examined.hides_blocks:
        return Finding(
            Status.FAILED,
            say(
                "{case}: {found} residual blocks found, expected at least {least}.",
                case=where,
                found=found,
                least=least,
            ),
            lesson=lessons.TOO_FEW_BLOCKS,
            expected=least,
            actual=found,
            advice=say("Build the network from your ResBlock or Bottleneck; each adds its input to its branch."),
            **place(seen, "output"),
        )
    return None


def _shared_weights(examined: Examined, where: str) -> Finding:
    """Two blocks with some weights in common."""
    one, other, weights = examined.sharing_blocks[0]
    return Finding(
        Status.FAILED,
        say(
            "{case}: {one} and {other} share weights: {weights}.",
            case=where,
            one=one.name,
            other=other.name,
            weights=", ".join(weights[:MOST_SHARED]),
        ),
        lesson=lessons.USED_AGAIN,
        advice=say("Each block makes its layers itself, in its own __init__."),
        cell=other.segment.output.cell,
        line=other.segment.output.line,
    )


def _wrong_depth(examined: Examined, where: str) -> Finding | None:
    """Another number of blocks than the plan has, in all or in a stage."""
    wanted, found = map(blocks_by_channels, (examined.plan, examined.stages))
    if wanted == found:
        return None
    return Finding(
        Status.FAILED,
        say(
            "{case}: {found} residual blocks found, expected {wanted}: in the stages {in_stages} instead of "
            "{wanted_in_stages}.",
            case=where,
            found=sum(found),
            wanted=sum(wanted),
            in_stages=", ".join(map(str, found)),
            wanted_in_stages=", ".join(map(str, wanted)),
        )
        if found
        else say("{case}: no residual blocks were found, expected {wanted}.", case=where, wanted=sum(wanted)),
        lesson=lessons.OTHER_DEPTH,
        expected=list(wanted),
        actual=list(found),
        advice=say("A stage is a run of blocks with equal channels: count the blocks of each."),
    )


def _blocks_unknown(examined: Examined) -> Finding | None:
    """Blocks that are neither right nor make a known mistake: a human decides."""
    unknown = [block for block in examined.blocks if block.is_unknown and not block.excused]
    if not unknown:
        return None
    looked_at = [block for block in unknown if not block.late]
    names = ", ".join(block.name for block in looked_at or unknown)
    node = (looked_at or unknown)[0].segment.output
    return Finding(
        Status.SKIPPED,
        say(
            "{blocks}: does not do what a block of the other exercises does, and no known mistake explains the "
            "difference.",
            blocks=names,
        )
        if looked_at
        else say("{blocks}: not compared, because the time for one network was over.", blocks=names),
        cell=node.cell,
        line=node.line,
        advice=say("Its points are pending, not lost: a human looks at the block."),
    )


def _untold(examined: Examined, seen: Observation) -> Finding:
    """Where weights are zero, 0/0 says nothing of the shortcut, neither good nor bad."""
    return Finding(
        Status.SKIPPED,
        say(
            "{case}: not measured, because with the weights at zero the output is not finite.",
            case=in_case(examined, seen),
        ),
        advice=say(
            "Something is divided by the weights, as weight norm does, or by a variance without eps. The points are "
            "pending, not lost: a human looks at the block."
        ),
    )


def _judge_probe(examined: Examined, seen: Observation, forms: list[Form], probe: Probe) -> Finding | None:
    """What is wrong on this probe, or that it tells nothing, or None."""
    answer = seen.answers[probe.name]
    if answer.raised is not None or answer.y is None:
        return None  # the shape check says so
    if probe.recipe == "zero":  # biases, too, and whatever else tells the forms of a variant apart
        forms = first_of_each_variant(forms)
    ways = [each for form in forms for each in _accepted(asked_alike(seen, form, probe))]
    accepted = (outcome for way in ways if (outcome := way.outcome(probe)).y is not None)
    for outcome in accepted:
        assert outcome.y is not None
        if equal(answer.y, outcome.y, seen.precision) and (
            not probe.gradient or equal(answer.gradients.get("x"), outcome.gradients[None], seen.precision)
        ):
            return None
    if not answer.y.isfinite().all():
        return _untold(examined, seen)
    outcomes = [outcome for way in ways if (outcome := way.outcome(probe)).y is not None]
    outcome = outcomes[0]
    assert outcome.y is not None
    forward = any(equal(answer.y, o.y, seen.precision) for o in outcomes if o.y is not None)
    what, advice, lesson = _explain(answer, outcome.y, forward, aligned=seen.aligned is not None)
    case = in_case(examined, seen)
    return Finding(
        Status.FAILED,
        say("{case}: with the residual branch at a constant, {what}.", case=case, what=what)
        if probe.recipe == "constant-branch"
        else say("{case}: with the residual branch at zero, {what}.", case=case, what=what),
        lesson=lesson,
        expected=[float(f"{v:.6g}") for v in outcome.y.reshape(-1)[:4].tolist()],
        actual=[float(f"{v:.6g}") if abs(v) < 1e300 else 0.0 for v in answer.y.reshape(-1)[:4].double().tolist()],
        advice=advice,
        **place(seen, "join"),
    )


@cache
def _accepted(form: Form) -> list[Form]:
    """The form, with and without an activation after the addition and on the branch before it."""
    activated = form.with_edit(activate_branch)
    return [
        form,
        form.with_edit(toggle_final_activation),
        activated,
        activated.with_edit(toggle_final_activation),
    ]


def _explain(answer: Answer, expected: Tensor, forward_is_right: bool, *, aligned: bool) -> tuple[str, str, Lesson]:
    """What the block does instead of being its shortcut, in words, what to do about it, and what it teaches.

    Args:
        aligned: was only the branch set to zero? Otherwise every weight was, also those of a shortcut that has some.
    """
    assert answer.y is not None
    if forward_is_right:
        gradient = answer.gradients.get("x")
        if gradient is None or not gradient.any():
            return (
                say("the output is right, but no gradient flows back through the shortcut"),
                say("The shortcut is cut from autograd (detach(), .data or torch.no_grad()): add x itself."),
                lessons.CUT,
            )
        return (
            say("the output is right, but its gradient is not that of the shortcut"),
            say("Add x itself, not a copy of it."),
            lessons.OTHER_GRADIENT,
        )
    if list(answer.y.shape) != list(expected.shape):
        return (
            say(
                "the output has the shape {found} instead of {expected}",
                found=show(list(answer.y.shape)),
                expected=show(list(expected.shape)),
            ),
            say("Add the shortcut; do not concatenate it."),
            lessons.OTHER_SHAPE,
        )
    y, shortcut = answer.y.double(), expected
    if not y.any() and not aligned:
        return (
            say(
                "the block gives 0 instead of its shortcut: the input is not added to the branch, or through layers "
                "with weights"
            ),
            say("Here the shortcut has no weights: y = F(x) + shortcut(x)."),
            lessons.SHORTCUT_WITH_WEIGHTS,
        )
    if not y.any():
        return (
            say(
                "the block gives 0 instead of its shortcut: the input is not added to the branch, or the sum goes "
                "through a layer of the branch"
            ),
            say("Keep the block's input and add it to the result of the branch: y = F(x) + shortcut(x)."),
            lessons.NO_SHORTCUT,
        )
    factor = float((y * shortcut).sum() / (shortcut * shortcut).sum()) if shortcut.any() else 0.0
    if f"{factor:.4g}" != "1" and torch.allclose(y, factor * shortcut, atol=1e-7):
        return (
            say("the block gives {factor} times its shortcut", factor=f"{factor:.4g}"),
            say("The shortcut is added once, with weight 1."),
            lessons.WEIGHTED,
        )
    return (
        say("the block is not its shortcut"),
        say("Add the block's own input, or its projection, to the branch: y = F(x) + shortcut(x)."),
        lessons.NOT_ITS_SHORTCUT,
    )
