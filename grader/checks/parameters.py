"""Has the module as many parameters as the reference, layer by layer?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import _parameters_lessons as lessons
from grader.checks._check import Check, Finding, ended, in_case, left_to_the_marking, wrong_blocks
from grader.checks._compared import TRAINING
from grader.checks._lessons import NOT_RUNNING
from grader.graph import Graph
from grader.judge.examined import Examined, show
from grader.judge.forms import Form
from grader.judge.observed import RECORDED, Observation
from grader.judge.right_forms import takes_biases
from grader.language import later, many, say
from grader.observation import Answer, Precision, Probe
from grader.verdict import Status

# Beside the largest gradient of a pass.
ROUNDING: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


class Parameters(Check):
    id = "parameters"
    title = later("Number of parameters")

    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        return ()  # the description of the module says it all

    def unmeasured(self, examined: Examined) -> Finding:
        built = any(seen.built.tensors for seen in examined.observations)
        if built and examined.exercise.withheld:
            return self.judge_withheld(examined)
        return self.judge_module(examined) if built and examined.answers else super().unmeasured(examined)

    def judge_withheld(self, examined: Examined) -> Finding:
        if isinstance(examined.exercise, NetworkExercise):
            finding = self.judge_network(examined)
            if examined.paid:
                return left_to_the_marking()  # it may be a mistake of a block, which does not cost again
            return finding if finding.status is not Status.PASSED else left_to_the_marking(finding.message)
        for seen in examined.observations:
            if unregistered := _unregistered(seen):
                count = seen.parameter_count
                return _not_registered(in_case(examined, seen), unregistered, count)
        return left_to_the_marking(say("All layers are registered as parameters.") if examined.ran else "")

    def judge_module(self, examined: Examined) -> Finding:
        assert examined.answers is not None
        counts: dict[str, int] = {}
        wanted: dict[str, int] = {}
        wrong: list[Finding] = []
        notes: list[str] = []
        for seen in examined.observations:
            if seen.built.not_a_module or (seen.built.raised and seen.built.raised.stage == "constructor"):
                continue
            if seen.built.shapeless:
                continue  # it raised before it was known how many there are
            where = in_case(examined, seen)
            right = seen.aligned or examined.form_of_like_sizes(seen) or examined.form_of_like_number(seen)
            reference, variant = examined.answers.reference, right.variant if right is not None else 0
            shapes = reference.parameter_shapes(seen.case, variant)
            redundant = _redundant_biases(examined, seen, right)
            biases = sum(redundant.elements())
            behaved = examined.right_form(seen)  # which may have fewer biases than the reference
            in_all = sum(behaved.sizes.elements()) if behaved is not None else None
            wanted[where] = in_all if in_all is not None else sum(map(math.prod, shapes.values())) + biases
            counts[where] = seen.parameter_count
            unregistered = _unregistered(seen)
            if unregistered:
                wrong.append(_not_registered(where, unregistered, counts[where]))
            elif seen.built.shared:
                wrong.append(_shared(where, seen.built.shared))
            elif counts[where] not in (wanted[where], reference.written_size(seen.case, variant)):
                wrong.append(_difference(where, seen, shapes, redundant, counts[where], wanted[where]))
            elif biases and not notes:
                note = say(
                    "Your convolutions keep a bias ({n} numbers in {case}) in front of a batch norm, which subtracts "
                    "it again. That is redundant, not wrong, and costs nothing: `bias=False` would do.",
                    n=biases,
                    case=where,
                )
                notes.append(note)
        if wrong:
            wrong[0].evidence = [finding.message for finding in wrong[1:]]
            return wrong[0]
        if len(counts) < len(examined.exercise.cases):
            return _not_built_everywhere(examined, len(counts))
        return Finding(
            Status.PASSED,
            many(
                "The number of parameters is right.", "The number of parameters is right in all {n} cases.", len(counts)
            ),
            expected=dict(wanted),
            actual=dict(counts),
            notes=notes,
        )

    def judge_network(self, examined: Examined) -> Finding:
        assert isinstance(examined.exercise, NetworkExercise)
        counts: dict[str, int] = {}
        for seen in examined.ran:
            where = in_case(examined, seen)
            counts[where] = seen.parameter_count
            unregistered = _unregistered(seen)
            if unregistered and "layers-unregistered" not in examined.paid:
                return _not_registered(where, unregistered, counts[where])
            if not counts[where]:
                return Finding(
                    Status.FAILED,
                    say("{case}: the network has no parameters.", case=where),
                    lesson=lessons.NO_PARAMETERS,
                    expected=say("at least one"),
                    actual=0,
                    advice=say("Assign the layers to attributes of an nn.Module in its constructor."),
                )
            planned = examined.planned_parameters.get(seen.case.title, counts[where])
            # Blocks that are wrong may have more or fewer, and have cost then.
            excused = examined.excused_parameters.get(seen.case.title, planned)
            if excused is None and counts[where] != planned:
                return _not_told(where, counts[where], planned)
            if counts[where] not in (planned, excused):
                return _not_as_planned(where, seen, counts[where], planned)
        sizes = set(counts.values())
        if len(counts) > 1 and len(sizes) == 1 and not examined.planned_parameters:
            return Finding(
                Status.FAILED,
                say("The number of parameters is the same for every {argument}.", argument=examined.exercise.outputs),
                lesson=lessons.SAME_FOR_EVERY_OUTPUT,
                actual=dict(counts),
                advice=say("The last linear layer must have as many outputs as there are classes."),
            )
        return wrong_blocks(examined, self.id) or Finding(
            Status.PASSED,
            say("All layers are registered as parameters of the network."),
            actual=dict(counts),
        )


def _not_as_planned(where: str, seen: Observation, count: int, planned: int) -> Finding:
    """A network of another size than the reference network."""
    biases = _convolution_biases(seen.built.graph)
    explained = biases and sum(biases.values()) == count - planned
    return Finding(
        Status.FAILED,
        _size_differs(where, count, planned, is_by_biases=bool(explained)),
        lesson=lessons.NOT_AS_PLANNED,
        expected=planned,
        actual=count,
        advice=(
            say("A batch norm subtracts the mean, and every bias with it: bias=False.")
            if explained
            else say(
                "Count layer by layer: biases in front of a batch norm, blocks per stage, widths, and the last layer."
            )
        ),
    )


def _not_told(where: str, counted: int, planned: int) -> Finding:
    """A network of another size, which may have it from blocks whose mistakes have cost already."""
    said = say("Whether the blocks that were marked down before are the only cause is not known.")
    return Finding(
        Status.SKIPPED,
        f"{_size_differs(where, counted, planned, is_by_biases=False)} {said}",
        advice=say("Once the block is mended, this is checked too. Its points are pending, not lost."),
    )


def _size_differs(where: str, count: int, planned: int, *, is_by_biases: bool) -> str:
    numbers = {
        "case": where,
        "found": f"{count:,}",
        "expected": f"{planned:,}",
        "difference": f"{abs(count - planned):,}",
    }
    if is_by_biases:  # then there are more: biases are numbers too many
        return say(
            "{case}: {found} parameters, expected {expected}: {difference} more, as many as convolutions in front of a "
            "batch norm have biases.",
            **numbers,
        )
    if count > planned:
        return say("{case}: {found} parameters, expected {expected}: {difference} more.", **numbers)
    return say("{case}: {found} parameters, expected {expected}: {difference} fewer.", **numbers)


def _not_built_everywhere(examined: Examined, built: int) -> Finding:
    """The check passes on evidence from every case, and some modules could not even be built."""
    if examined.ended is not None:
        return ended(examined)
    return Finding(
        Status.STUDENT_CRASHED,
        say(
            "The number of parameters is right in {some} of {all} cases; the others cannot be built: see the shape "
            "check.",
            some=built,
            all=len(examined.exercise.cases),
        ),
        follows="shape",
        lesson=NOT_RUNNING,
    )


def _redundant_biases(examined: Examined, seen: Observation, right: Form | None) -> Counter[int]:
    """Sizes of the biases that a batch norm cancels, beyond those that the reference itself has.

    Args:
        right: the accepted form with parameters of the same sizes, or as many in all, if there is one.
    """
    assert isinstance(examined.exercise, ModuleExercise)
    assert examined.answers is not None
    plain = examined.answers.wrongs.plain(seen.case, right.variant if right is not None else 0)
    if examined.exercise.conv_bias != "free" or not takes_biases(plain):
        return Counter()
    # Of what is not right, a vector too many is a redundant bias only where it is seen to be one: without the ReLU
    # behind it, the shift of a norm can be cancelled by the next one, and is none.
    too_many = right.sizes - plain.sizes if right is not None else None
    measured = _without_effect(seen)
    if too_many is not None and (measured is None or examined.right_form(seen) is not None):
        return too_many
    found = Counter(_convolution_biases(seen.built.graph).values()) if measured is None else measured
    own = found - Counter(_convolution_biases(plain.recorded).values())
    return own if too_many is None else own & too_many


def _without_effect(seen: Observation) -> Counter[int] | None:
    """Sizes of the vectors that a batch norm cancels: no gradient reaches them in training, though one does in
    evaluation mode, where that was asked for and the graph shows how it is told. None where it was not measured."""
    training, evaluation = (seen.answers.get(probe.name) for probe in (TRAINING, RECORDED))
    if training is None or not training.gradients:
        return None
    vectors = [p.key for p in seen.built.parameters if p.learnable and sum(size > 1 for size in p.shape) < 2]
    cancelled = _barely_reached(training, seen.precision)
    if evaluation is not None and seen.aligned is not None:
        cancelled -= _barely_reached(evaluation, seen.precision)
    return Counter(training.gradients[key].numel() for key in vectors if key in cancelled)


def _barely_reached(answer: Answer, precision: Precision) -> set[str]:
    """Keys of parameters whose gradient is nothing but rounding beside the largest one."""
    sizes = {key: float(gradient.abs().max()) for key, gradient in answer.gradients.items() if gradient.numel()}
    most = ROUNDING[precision] * max(sizes.values(), default=0.0)
    return {key for key, size in sizes.items() if size <= most}


def _convolution_biases(graph: Graph | None) -> dict[str, int]:
    """Key and size of each bias of a convolution that goes straight into a batch norm, as recorded."""
    if graph is None or not graph.is_sound:
        return {}
    nodes, users = graph.by_id, graph.users
    found = {}
    for node in graph.nodes:
        if node.name == "convolution" and all(user.name == "native_batch_norm" for user in users[node.id]):
            for i in node.inputs[2:]:
                leaf = nodes[i].leaf
                if leaf is not None:
                    found[leaf.key] = math.prod(nodes[i].shape)
    return found


def _unregistered(seen: Observation) -> list[list[int]]:
    """Shapes of learnable tensors that the module uses but does not know of."""
    if seen.built.graph is None:
        return []
    return [
        node.shape
        for node in seen.built.graph.nodes
        if node.leaf is not None and node.leaf.kind == "unregistered" and node.leaf.learnable
    ]


def _not_registered(where: str, shapes: list[list[int]], count: int) -> Finding:
    listed = ", ".join(map(show, shapes[:6]))
    return Finding(
        Status.FAILED,
        say(
            "{case}: {n} tensors ({shapes}) are used but are no parameters of the module.",
            case=where,
            n=len(shapes),
            shapes=listed,
        ),
        lesson=lessons.NOT_REGISTERED,
        actual=count,
        advice=(
            say(
                "An optimizer would never train them. Keep layers in attributes, nn.ModuleList or nn.Sequential, not "
                "in a Python list or dict, and create them in the constructor. A weight of your own is an nn.Parameter."
            )
        ),
    )


def _shared(where: str, names: list[str]) -> Finding:
    """Two modules made in the same way hold the same parameters."""
    listed = ", ".join(names[:6])
    return Finding(
        Status.FAILED,
        say("{case}: a second one made in the same way has the same {parameters}.", case=where, parameters=listed),
        lesson=lessons.SHARED,
        expected=say("parameters of its own"),
        actual=listed,
        advice=say("Make every layer in the constructor, each time anew."),
    )


def _surplus(
    named: list[tuple[str, tuple[int, ...]]], surplus: Counter[tuple[int, ...]], likely: Container[str] = ()
) -> list[str]:
    """What there is too much of: by name where it is certain which it is, else by shape and number.

    Args:
        likely: names that are the likeliest to be too many among those of their shape.
    """
    found = []
    for shape, number in surplus.items():
        names = [name for name, of in named if of == shape]
        suspects = [name for name in names if name in likely]
        said = show(list(shape))
        if number in (len(names), len(suspects)):
            found += [f"{name} ({said})" for name in (suspects if number == len(suspects) else names)]
        else:
            found.append(
                many("{n} more tensor of shape {shape}", "{n} more tensors of shape {shape}", number, shape=said)
            )
    return found


def _difference(
    where: str, seen: Observation, shapes: dict[str, list[int]], redundant: Counter[int], actual: int, expected: int
) -> Finding:
    mine = Counter(tuple(p.shape) for p in seen.built.parameters)
    theirs = Counter(tuple(shape) for shape in shapes.values()) + Counter((size,) for size in redundant.elements())
    missing = _surplus([(name, tuple(shape)) for name, shape in shapes.items()], theirs - mine)
    # Of tensors of one shape, biases of convolutions are the likeliest to be the ones too many.
    biases = {key.removeprefix("p:") for key in _convolution_biases(seen.built.graph)}
    own = [(p.key.removeprefix("p:"), tuple(p.shape)) for p in seen.built.parameters]
    extra = _surplus(own, mine - theirs, biases)
    parts = []
    if missing:
        parts.append(say("the reference also has {tensors}", tensors=", ".join(missing[:6])))
    if extra:
        parts.append(say("only yours has {tensors}", tensors=", ".join(extra[:6])))
    counted = say("{case}: {found} parameters, expected {expected}", case=where, found=actual, expected=expected)
    return Finding(
        Status.FAILED,
        f"{': '.join([counted, '; '.join(parts)] if parts else [counted])}.",
        lesson=lessons.OTHER_LAYERS,
        expected=expected,
        actual=actual,
        advice=say("Compare layer by layer: kernel sizes, channels in and out, and which layers there are."),
    )
