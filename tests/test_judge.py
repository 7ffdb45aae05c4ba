"""The judge's tools: replay equals the module, slots do not depend on names, CPU and GPU agree."""

from __future__ import annotations

import pytest
import torch
from judging import judge, residual_blocks, right_answers
from torch import nn

from grader.assignment import Case, ModuleExercise
from grader.capture import record
from grader.graph import Graph
from grader.judge.anatomy import anatomy, residual_additions
from grader.judge.compare import difference, equal
from grader.judge.draws import draw_input, draw_value
from grader.judge.edits import Editor, ref
from grader.judge.forms import Form
from grader.judge.leaves import places_in_graph
from grader.judge.reference import Reference
from grader.judge.right_forms import right_forms
from grader.judge.slots import Slot, fill_slots, relabellings, signature
from grader.mistakes._mistake import RESBLOCK, changed
from grader.mistakes.network import NETWORK
from grader.observation import Probe
from grader.verdict import Status

MODULES = [exercise for exercise in residual_blocks().exercises if isinstance(exercise, ModuleExercise)]
CASES = [
    pytest.param(exercise, case, id=f"{exercise.id}-{case.title}") for exercise in MODULES for case in exercise.cases
]
PROBES = [Probe("a", "random"), Probe("b", "random", train=True, batch=3, grow=(-1, 2)), Probe("c", "zero-branch")]


def build(exercise: ModuleExercise, case: Case, form: Form, probe: Probe) -> nn.Module:
    """The reference as a module, with the weights that a form has on a probe."""
    reference = right_answers(exercise.id).reference  # type: ignore[union-attr]
    module = reference._module(case, 0).train(probe.train)
    tensors = {
        **{f"p:{name}": p for name, p in module.named_parameters()},
        **{f"b:{name}": b for name, b in module.named_buffers()},
    }
    with torch.no_grad():
        for slot, key in form.slots.items():
            value = draw_value(0, slot, probe.recipe, in_branch=slot in form.branch)
            tensors[key].copy_(value.reshape(tensors[key].shape))
    return module


@pytest.mark.parametrize(("exercise", "case"), CASES)
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_replaying_the_graph_is_running_the_module(exercise: ModuleExercise, case: Case, probe: Probe) -> None:
    """The oracle is PyTorch: output, input gradient and parameter gradients of the module itself."""
    form = Form(right_answers(exercise.id).reference, case)  # type: ignore[union-attr]
    outcome = form.outcome(probe)
    module = build(exercise, case, form, probe)
    x = draw_input(0, case.input, probe).requires_grad_()
    y = module(x)
    assert outcome.y is not None
    assert equal(outcome.y, y.detach())
    from grader.judge.draws import draw_cotangent

    parameters = dict(module.named_parameters())
    gradients = torch.autograd.grad(y, [x, *parameters.values()], draw_cotangent(0, list(y.shape), probe))
    assert equal(outcome.gradients[None], gradients[0])
    slot_of = {key: slot for slot, key in form.slots.items()}
    for name, gradient in zip(parameters, gradients[1:], strict=True):
        assert equal(outcome.gradients[slot_of[f"p:{name}"]], gradient)


def test_gradients_are_compared_whoever_asks_for_the_output_first() -> None:
    """A reference that is recorded while no gradient is wanted still has all of its gradients."""
    form = Form(Reference(residual_blocks(), MODULES[0]), MODULES[0].cases[0])
    probe = Probe("asked first", "random", train=True, batch=3)
    assert isinstance(form.output(probe), torch.Tensor)
    learnable = {slot for slot in form.slots if slot.learnable}
    assert {None, *learnable} == set(form.outcome(probe).gradients)


@pytest.mark.parametrize(("exercise", "case"), CASES)
def test_every_parameter_and_buffer_has_a_slot(exercise: ModuleExercise, case: Case) -> None:
    """Weight, scale, shift, mean and variance: nothing is left out, nothing counted twice."""
    form = Form(right_answers(exercise.id).reference, case)  # type: ignore[union-attr]
    module = form.reference._module(case, 0)
    keys = {f"p:{name}" for name, _ in module.named_parameters()}
    keys |= {f"b:{name}" for name, buffer in module.named_buffers() if buffer.is_floating_point()}
    assert keys == set(form.slots.values())


def test_many_like_layers_are_exchanged_in_no_more_ways_than_are_tried() -> None:
    """Twenty have more orders than a machine has memory for."""
    filled = {Slot("weight", (8, 72), index): f"convs.{index}" for index in range(20)}
    ways = list(relabellings(filled, most=24))
    assert len(ways) == 23
    assert all(sorted(way.values()) == sorted(filled.values()) and way != filled for way in ways)
    assert len({tuple(way.items()) for way in ways}) == 23


def test_slots_do_not_depend_on_names_or_order_of_registration() -> None:
    """The same block with its layers registered backwards fills the same slots with the corresponding keys."""

    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.BatchNorm2d(8)
            self.b = nn.Conv2d(8, 8, 3, padding=1, bias=False)
            self.c = nn.BatchNorm2d(8)
            self.d = nn.Conv2d(8, 8, 3, padding=1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + self.a(self.b(torch.relu(self.c(self.d(x))))))

    recorded = record(Backwards().eval(), torch.zeros(2, 8, 8, 8)).graph
    mine = fill_slots(places_in_graph(Graph.model_validate(recorded)))
    form = Form(right_answers("resblock").reference, MODULES[0].cases[0])  # type: ignore[union-attr]
    assert signature(form.slots) == signature(mine)
    renamed = {"p:conv1.weight": "p:d.weight", "p:bn1.weight": "p:c.weight", "p:conv2.weight": "p:b.weight"}
    for slot, key in form.slots.items():
        if key in renamed:
            assert renamed[key] == mine[slot]


def test_right_forms_are_the_variants_with_every_set_of_redundant_biases() -> None:
    """Two variants of a bottleneck with four convolutions, each with a bias or without."""
    forms = list(right_forms(right_answers("bottleneck").reference, MODULES[1].cases[1], 0, "cpu"))  # type: ignore[union-attr]
    assert 2 * 2**4 == len(forms)


def test_a_forbidden_bias_fails_the_parameters_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a spec does not leave free is not free."""
    strict = MODULES[0].model_copy(update={"conv_bias": "forbidden"})
    forms = list(right_forms(Reference(residual_blocks(), strict), strict.cases[0], 0, "cpu"))
    assert 1 == len(forms)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # Of three batch norms of one size one is missing: which, the shapes do not tell.
        (
            ("                nn.BatchNorm2d(out_channels),\n", ""),
            "3648 parameters, expected 3680: the reference also has 2 more tensors of shape 16.",
        ),
        # All tensors of their shape: these, and no others.
        (
            ("out_channels, 3, stride=1, padding=1, bias", "out_channels, 5, stride=1, padding=2, bias"),
            "the reference also has conv2.weight (16×16×3×3); only yours has conv2.weight (16×16×5×5).",
        ),
    ],
)
def test_missing_parameters_are_named_where_it_is_certain_which(change: tuple[str, str], said: str) -> None:
    report = judge(changed(RESBLOCK, change), "resblock")
    check = next(check for check in report.checks if check.id == "parameters")
    assert any(said in line for line in [check.message, *check.evidence])


@pytest.mark.parametrize("made", ["nn.Conv2d(2, 2, 1)", "nn.Parameter(torch.zeros(3), requires_grad=False)"])
def test_what_a_right_block_has_beside_its_parameters_needs_a_gradient_too(made: str) -> None:
    """Where all that it uses does as the reference's, too."""
    source = changed(RESBLOCK, ("        self.bn1 =", f"        self.extra = {made}\n        self.bn1 ="))
    failed = {check.id for check in judge(source, "resblock").checks if check.status is Status.FAILED}
    assert {"parameters", "gradient"} == failed


def test_the_join_of_a_block_is_where_branch_and_shortcut_meet() -> None:
    """The branch is the side with more convolutions."""
    form = Form(right_answers("resblock").reference, MODULES[0].cases[1])  # type: ignore[union-attr]
    graph = form.graph(train=False, shape=(2, 8, 8, 8))
    parts = anatomy(graph)
    assert parts is not None
    assert "add" == graph.by_id[parts.join].name
    assert [parts.join] == residual_additions(graph)
    assert {"p:conv1.weight", "p:conv2.weight"} <= {form.slots[slot] for slot in form.branch}
    assert "p:shortcut.0.weight" not in {form.slots[slot] for slot in form.branch}


@pytest.mark.parametrize(
    ("actual", "expected", "size"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), 0.0),
        (torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0]), 0.25),
        (None, torch.tensor([0.0, 0.5]), 0.5),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 2.0]), float("inf")),
        (torch.tensor([1.0]), torch.tensor([1.0, 2.0]), float("inf")),
        (torch.zeros(0), torch.zeros(0), 0.0),
    ],
)
def test_a_difference_is_relative_to_the_largest_expected_value(
    actual: torch.Tensor | None, expected: torch.Tensor, size: float
) -> None:
    """A missing tensor counts as zeros; what is not finite or has another size is infinitely far away."""
    assert size == difference(actual, expected)


def test_a_block_that_insists_on_float32_is_judged_in_float32() -> None:
    """Explicit casts are a style, not a mistake."""
    source = RESBLOCK.replace("out = F.relu(self.bn1", "x = x.float()\n        out = F.relu(self.bn1")
    report = judge(source, "resblock")
    assert report.correct, [check.message for check in report.checks]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(("exercise", "case"), CASES)
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_the_reference_says_the_same_on_a_gpu(exercise: ModuleExercise, case: Case, probe: Probe) -> None:
    """The device decides how fast a verdict comes, not what it is."""
    reference = right_answers(exercise.id).reference  # type: ignore[union-attr]
    on_cpu, on_gpu = (Form(reference, case, device=device).outcome(probe) for device in ("cpu", "cuda"))
    assert on_cpu.y is not None
    assert equal(on_gpu.y, on_cpu.y)
    for slot, gradient in on_cpu.gradients.items():
        assert equal(on_gpu.gradients[slot], gradient)


def test_a_long_skip_over_a_stage_is_no_block_used_twice() -> None:
    """Adding a stage's input to its output again has no weights of its own; it takes nothing from the blocks."""
    long = """    class Long(nn.Sequential):
        def forward(self, x):
            return F.relu(super().forward(x) + x)

    return nn.Sequential("""
    source = changed(
        NETWORK,
        ("    return nn.Sequential(", long),
        ("        ResBlock(16, 16),\n", "        Long(ResBlock(16, 16), ResBlock(16, 16)),\n"),
    )
    report = judge(source, "network")
    assert report.correct, [check.message for check in report.checks]


def test_blocks_of_hand_written_convolutions_are_counted() -> None:
    """A convolution by unfold and a product is a convolution, in a network too."""
    layer = """
class Conv(nn.Module):
    def __init__(self, i, o, k, stride=1, padding=0, bias=False):
        super().__init__()
        self.k, self.s, self.p = k, stride, padding
        self.w = nn.Parameter(torch.randn(o, i * k * k) * 0.05)

    def forward(self, x):
        side = (x.shape[-1] + 2 * self.p - self.k) // self.s + 1
        patches = F.unfold(x, self.k, padding=self.p, stride=self.s)
        return (self.w @ patches).view(len(x), -1, side, side)


class ResBlock("""
    source = changed(
        NETWORK, ("nn.Conv2d(in_channels", "Conv(in_channels"), ("nn.Conv2d(out_channels", "Conv(out_channels")
    )
    report = judge(changed(source, ("\nclass ResBlock(", layer)), "network")
    assert report.correct, [check.message for check in report.checks]


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("F.relu(out + identity)", "F.relu(out * identity)"), "out * identity", "the multiplication"),
        (("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(self.conv1(x)) + 0.1)"), "+ 0.1", "the addition"),
        (("self.bn2(self.conv2(out))", "self.bn2(self.conv2(out.tanh()))"), "tanh", "tanh"),
    ],
)
def test_the_first_value_that_differs_is_located(change: tuple[str, str], line: str, said: str) -> None:
    """Which operation makes it, and on which line: all before it is as in the reference."""
    source = changed(RESBLOCK, change)
    gradient = next(check for check in judge(source, "resblock").checks if check.id == "gradient")
    assert f"comes out of {said}" in gradient.message
    assert line in source.splitlines()[(gradient.line or 0) - 1]


def test_an_edit_that_makes_a_value_depend_on_itself_is_refused() -> None:
    """Two mistakes together can ask for it: the search leaves such a pair out."""
    graph = Form(right_answers("resblock").reference, MODULES[0].cases[0]).graph(train=False, shape=(2, 8, 8, 8))  # type: ignore[union-attr]
    parts = anatomy(graph)
    assert parts is not None
    editor = Editor(graph)
    editor.set_argument(parts.join, 0, ref(graph.output))
    with pytest.raises(ValueError, match="depend on itself"):
        editor.graph()
