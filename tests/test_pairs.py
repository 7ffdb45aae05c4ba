"""Two mistakes in one block, written by hand: both are named, and proven together."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

from collections import Counter

import pytest
import torch
from judging import judge, right_answers
from torch import nn

from grader.capture import record
from grader.judge.forms import Form
from grader.judge.leaves import parts_in_graph, places_in_graph
from grader.judge.observed import RECORDED
from grader.judge.skeleton import slots_in
from grader.judge.slots import fill_slots
from grader.judge.trace import digest, divergence, is_near
from grader.judge.trial import Trial
from grader.mistakes import mistakes
from grader.mistakes._families import SE_BOTTLENECK
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed
from grader.verdict import Proof

pytestmark = pytest.mark.heavy

SUM = "F.relu(out + identity)"
CONDITION = "if stride != 1 or in_channels != out_channels:"
BN_1 = "self.bn1 = nn.BatchNorm2d(out_channels)"
LAZY = changed(
    RESBLOCK,
    ("nn.Conv2d(in_channels, out_channels, 3,", "nn.LazyConv2d(out_channels, 3,"),
    ("nn.Conv2d(out_channels, out_channels, 3,", "nn.LazyConv2d(out_channels, 3,"),
    ("nn.Conv2d(in_channels, out_channels, 1,", "nn.LazyConv2d(out_channels, 1,"),
    ("nn.BatchNorm2d(out_channels)", "nn.LazyBatchNorm2d()"),
)
PAIRS = {
    # In one place, so that neither alone comes nearer.
    "epsilon and affine": (
        {"wrong-epsilon", "bn-without-affine"},
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, eps=1e-3, affine=False)")),
    ),
    # One shows in one case only, and raises there.
    "raises and scaled": (
        {"shortcut-scaled", "projection-ignores-stride"},
        changed(RESBLOCK, (SUM, "F.relu(out + 0.3 * identity)"), ("out_channels, 1, stride=stride", "out_channels, 1")),
    ),
    # The same where layers have no parameters before something raises.
    "lazy": (
        {"wrong-epsilon", "projection-ignores-stride"},
        changed(
            LAZY,
            ("LazyBatchNorm2d()", "LazyBatchNorm2d(eps=1e-3)"),
            ("out_channels, 1, stride=stride", "out_channels, 1"),
        ),
    ),
    # The first takes away the end of the block, behind which the second stands.
    "ReLU before the sum, which is pooled": (
        {"relu-before-add", "extra-layer"},
        changed(RESBLOCK, (SUM, "F.avg_pool2d(F.relu(out) + identity, 2)")),
    ),
    # Another way to plant them finds no block in training mode, and leaves the statistics that it took away before.
    "no statistics, and multiplied": (
        {"bn-without-statistics", "shortcut-multiplied"},
        changed(
            RESBLOCK,
            (SUM, "F.relu(out * identity + identity)"),
            ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, track_running_stats=False)"),
        ),
    ),
    # They cannot be planted in either order.
    "nothing to add, and multiplied": (
        {"shortcut-multiplied", "projection-always"},
        changed(RESBLOCK, (SUM, "F.relu(out * identity)"), (CONDITION, "if True:")),
    ),
    # A norm that refuses its channels before any operation runs.
    "other channels, and activated": (
        {"shortcut-activated", "branch-run-twice"},
        changed(
            BOTTLENECK,
            (
                "        identity = self.shortcut(x)\n",
                "        out = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(out))))))))\n        identity = F.relu(self.shortcut(x))\n",
            ),
        ),
    ),
    # Each brings parameters of its own.
    "kernel and projection": (
        {"wrong-kernel", "projection-without-bn"},
        changed(
            RESBLOCK,
            (
                "out_channels, out_channels, 3, stride=1, padding=1",
                "out_channels, out_channels, 1, stride=1, padding=0",
            ),
            (
                "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),\n                nn.BatchNorm2d(out_channels),",
                "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),",
            ),
        ),
    ),
    # What the second one clips in a right answer does not occur beside the first.
    "nothing added, and clipped": (
        {"shortcut-concatenated", "wrong-activation"},
        changed(RESBLOCK, (SUM, "F.hardtanh(torch.cat((identity, out), dim=1), 0.0, 6.0)")),
    ),
    # Hundreds of others could follow the first one.
    "activated, and multiplied": (
        {"shortcut-activated", "shortcut-multiplied"},
        changed(BOTTLENECK, (SUM, "F.relu(out * F.relu(identity))")),
    ),
    "of the branch, and scaled": (
        {"shortcut-from-wrong-tensor", "shortcut-scaled"},
        changed(BOTTLENECK, (SUM, "F.relu(out + 0.3 * identity)"), ("self.shortcut(x)", "self.shortcut(out)")),
    ),
    # The second one puts the parameters in another order that the first one brings.
    "of the branch, and on equal channels": (
        {"projection-wrong-condition", "shortcut-from-wrong-tensor"},
        changed(RESBLOCK, (CONDITION, "if in_channels == out_channels:"), ("self.shortcut(x)", "self.shortcut(out)")),
    ),
    # What the first one leaves out has the places of what is left.
    "no branch, and padded": (
        {"branch-missing", "projection-wrong-padding"},
        changed(
            RESBLOCK,
            ("        out = F.relu(self.bn1(self.conv1(x)))\n        out = self.bn2(self.conv2(out))\n", ""),
            (SUM, "F.relu(identity)"),
            ("        self.bn1 = nn.BatchNorm2d(out_channels)\n", ""),
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", ""),
            (
                "        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)\n",
                "",
            ),
            ("        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n", ""),
            ("1, stride=stride, bias=False", "1, stride=stride, padding=1, bias=False"),
        ),
    ),
    # A slope that is learned is no redundant bias.
    "a slope, and no activation": (
        {"wrong-activation", "inner-relu-missing"},
        changed(
            BOTTLENECK,
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.shortcut = nn.Sequential()\n        self.act = nn.PReLU()\n",
            ),
            (SUM, "self.act(out + identity)"),
            ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))"),
            ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))"),
        ),
    ),
    # Nor is a factor that starts at zero, where the code raises and nothing tells but sizes.
    "a factor, and padded": (
        {"learned-scale", "projection-wrong-padding"},
        changed(
            RESBLOCK,
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.shortcut = nn.Sequential()\n        self.factor = nn.Parameter(torch.zeros(1, out_channels, 1, 1))\n",
            ),
            (SUM, "F.relu(out + self.factor * identity)"),
            ("1, stride=stride, bias=False", "1, stride=stride, padding=2, bias=False"),
        ),
    ),
    # Both show in training or in gradients only.
    "silent": (
        {"shortcut-detached", "bn-without-statistics"},
        changed(
            RESBLOCK,
            (SUM, "F.relu(out + identity.detach())"),
            ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, track_running_stats=False)"),
        ),
    ),
}


@pytest.mark.parametrize(("planted", "source"), [pytest.param(*pair, id=name) for name, pair in PAIRS.items()])
def test_both_are_named(planted: set[str], source: str) -> None:
    """As the proven ones, or as those that would behave just the same."""
    report = judge(source, "bottleneck" if "class Bottleneck" in source else "resblock")
    assert not report.correct
    proven = {diagnosis.mistake for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED}
    said = " ".join(diagnosis.message for diagnosis in report.diagnoses)
    assert all(mistake in proven or mistake in said for mistake in planted), (proven, said)


FACTOR = "        self.factor = nn.Parameter(torch.zeros(1, out_channels, 1, 1))\n"
LAST = "        self.shortcut = nn.Sequential()\n"
POINTWISE = changed(
    BOTTLENECK,
    (
        "self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)",
        "self.conv1 = nn.Linear(in_channels, width, bias=False)",
    ),
    ("self.conv1(x)", "self.conv1(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"),
)
SINGLES = {
    # Single values are left, which a norm refuses in training: the layer does, the operation does not.
    "refused in training": (
        "stride-in-both",
        changed(
            BOTTLENECK,
            ("in_channels, width, 1, bias", "in_channels, width, 1, stride=stride, bias"),
            ("width, out_channels, 1, bias", "width, out_channels, 1, stride=stride, bias"),
            ("identity = self.shortcut(x)", "assert not torch.isnan(x).any()\n        identity = self.shortcut(x)"),
        ),
    ),
    # In one case there are six channels, which four groups do not divide.
    "refused when it is made": ("wrong-normalisation", changed(BOTTLENECK, ("nn.BatchNorm2d(", "nn.GroupNorm(4, "))),
    # By the order of registration it is a bias that a right answer may have.
    "told by the graph": (
        "learned-scale",
        changed(BOTTLENECK, (LAST, LAST + FACTOR), (SUM, "F.relu(self.factor * out + identity)")),
    ),
    # A product of matrices where the reference has a convolution.
    "pointwise": (
        "argument-ignored",
        changed(
            POINTWISE,
            ("nn.Linear(in_channels,", "nn.Linear(out_channels,"),
            ("nn.Conv2d(in_channels, out_channels, 1", "nn.Conv2d(out_channels, out_channels, 1"),
        ),
    ),
}


@pytest.mark.parametrize(("planted", "source"), [pytest.param(*each, id=name) for name, each in SINGLES.items()])
def test_one_is_named_where_little_is_known(planted: str, source: str) -> None:
    assert planted in {diagnosis.mistake for diagnosis in judge(source, "bottleneck").diagnoses}


def test_missing_biases_are_named_beside_redundant_ones() -> None:
    """Without those of the gate, one before a batch norm is taken for it, being of the same size."""
    source = changed(
        SE_BOTTLENECK,
        ("bias=False", "bias=True"),
        ("channels // reduction, 1)", "channels // reduction, 1, bias=False)"),
        ("nn.Conv2d(channels // reduction, channels, 1)", "nn.Conv2d(channels // reduction, channels, 1, bias=False)"),
    )
    assert ["se-without-bias"] == [diagnosis.mistake for diagnosis in judge(source, "se-bottleneck").diagnoses]


def test_a_norm_that_refuses_its_channels_is_seen() -> None:
    """No operation runs: torch checks the sizes first."""
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(4))
    failed = record(module, torch.zeros(2, 3, 5, 5)).failed
    assert failed["op"] == "aten.native_batch_norm.default"
    assert failed["shapes"] == [[2, 8, 3, 3], [4], [4], [4], [4]]
    assert failed["depths"] == [1, 0, 0, 0, 0]
    assert failed["module"] == "1"


def wrong_forms() -> list[tuple[Form, Form, object]]:
    """Every way to make every mistake in the second case of the basic block: right form, wrong form, edit."""
    answers = right_answers("resblock")
    assert answers is not None
    case = answers.reference.exercise.cases[1]
    right = answers.wrongs.plain(case, 0)
    plants = [plant for mistake in mistakes().values() if isinstance(mistake, Planted) for plant in mistake.plants]
    return [(right, right.with_edit(plant.edits[0]), plant.edits[0]) for plant in plants]


def test_leaves_found_by_the_skeleton_are_those_of_the_graph() -> None:
    for _, form, _ in wrong_forms():
        graph = form.graph(train=False, shape=(2, *form.case.input))
        assert slots_in(graph) == fill_slots(places_in_graph(graph))


def test_a_trial_gives_what_the_form_itself_gives() -> None:
    """Only what an edit changes is computed again; where all parameters stay as they are, nothing else may come out."""
    compared = 0
    trial = None
    for right, wrong, edit in wrong_forms():
        trial = trial or Trial(right, RECORDED)
        glance = trial.glance(edit)  # type: ignore[arg-type]
        output = wrong.output(RECORDED)
        if isinstance(output, torch.Tensor) and wrong.slots == right.slots:
            assert glance is not None
            assert glance.output is not None
            expected = digest(output)
            assert expected is not None
            assert is_near(glance.output, expected, 1e-13)  # a GPU adds up in another order than a CPU
            compared += 1
        elif not isinstance(output, torch.Tensor):
            assert glance is None or glance.operation == output.operation
    assert compared > 50


def test_a_trial_gives_it_wherever_the_parameters_stand() -> None:
    trials: dict[int, Trial] = {}
    moved = 0
    for right, wrong, edit in wrong_forms():
        output = wrong.output(RECORDED)
        if isinstance(output, torch.Tensor):
            trial = trials.setdefault(id(right), Trial(right, RECORDED))
            glance = trial.glance(edit, moved=True)  # type: ignore[arg-type]
            assert glance is not None
            assert glance.is_known
            assert str(glance.output) == str(digest(output)) or is_near(glance.output, digest(output), 1e-13)  # type: ignore[arg-type]
            moved += wrong.slots != right.slots
    assert moved > 50


def test_what_equal_graphs_share_is_what_each_has_of_its_own() -> None:
    """Many a mistake is in one case the same as another: they share their graph, and what further ones make of it."""
    answers = right_answers("resblock")
    assert answers is not None
    forms = wrong_forms()
    edits = [edit for _, _, edit in forms][::25]
    graphs = Counter[int]()
    for _, form, _ in forms:
        own = form._edited(False, (2, *form.case.input))
        assert own == form.recorded
        assert parts_in_graph(own) == form.parts
        graphs[id(form.recorded)] += 1
        if graphs[id(form.recorded)] < 2:
            continue
        for edit in edits:
            shared, alone = answers.wrongs.glance(form, edit, RECORDED), Trial(form, RECORDED).glance(edit)
            assert str(shared) == str(alone)  # a sum of NaNs is not itself
    assert max(graphs.values()) > 1


def test_a_trial_makes_new_parameters_where_the_form_has_its_own() -> None:
    """What only a mistake brings takes part in operations with all others: on a GPU, too."""
    right, _, edit = next(each for each in wrong_forms() if each[1].signature.total() > each[0].signature.total())
    trial = Trial(right, RECORDED)
    trial._passed = {i: value.to("meta") for i, value in trial._passed.items() if isinstance(value, torch.Tensor)}
    trial._values = {key: value.to("meta") for key, value in trial._values.items()}
    glance = trial.glance(edit)  # type: ignore[arg-type]
    assert glance is not None
    assert not glance.operation


def test_code_in_float32_is_not_said_to_do_what_it_does_not() -> None:
    """Only confirming cases are compared roughly: what is a few percent off has another cause than the known one."""
    insisting = changed(
        RESBLOCK, ("        out = F.relu(self.bn1", "        x = x.float()\n        out = F.relu(self.bn1")
    )
    known = judge(changed(insisting, (SUM, "F.relu(out + 0.5 * identity)")), "resblock")
    assert [diagnosis.mistake for diagnosis in known.diagnoses] == ["shortcut-scaled"]
    unknown = judge(changed(insisting, (SUM, "F.relu(out + 0.5 * identity) + (x.abs().max() > 8).float()")), "resblock")
    assert not [diagnosis for diagnosis in unknown.diagnoses if diagnosis.proof is Proof.REPLAYED]


@pytest.mark.parametrize("bound", ["MOST_ASKED", "MOST_PAIRS"])
def test_a_search_for_pairs_stops_when_enough_were_tried(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also between the second mistakes behind one first one: there may be hundreds, each asked in dozens of ways."""
    source = changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out * identity)"), ("F.relu(self.bn1", "(self.bn1"))
    assert 2 == len(judge(source, "resblock").diagnoses)
    monkeypatch.setattr(f"grader.mistakes._search.{bound}", -1)
    assert [] == judge(source, "resblock").diagnoses


def test_a_part_that_is_the_same_does_not_make_the_whole_known() -> None:
    """Behind a ReLU one of several parts may be, by chance, what it is without the mistake."""
    answers = right_answers("res2net")
    assert answers is not None
    form = answers.plain_forms(answers.reference.exercise.cases[0])[0]
    graph = form.graph(train=False, shape=(2, *form.case.input))
    first, norm = (
        next(node.id for node in graph.nodes if node.name == name) for name in ("convolution", "native_batch_norm")
    )
    cut = next(node.id for node in graph.nodes if node.name == "split")
    parts = [node.id for node in graph.users[cut]]
    trace = form.trace(RECORDED)
    assert norm in divergence(graph, trace, {first, parts[-1]})
    assert norm not in divergence(graph, trace, {first, *parts})
