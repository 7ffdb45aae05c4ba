"""Networks as very different people write them, right and wrong, held to a plan in every layer."""

from __future__ import annotations

import pytest
from judging import find_exercise, judge_against, right_answers

from grader.assignment import ModuleExercise, NetworkExercise
from grader.mistakes._mistake import changed
from grader.mistakes.network import AVERAGED, NETWORK, PLANNED
from grader.verdict import ExerciseReport, Status

pytestmark = pytest.mark.heavy

KEPT = "        self.stride, self.more = stride, out_channels - in_channels\n"
PADDED = (
    "        x = x[:, :, :: self.stride, :: self.stride]\n"
    "        return F.relu(out + F.pad(x, (0, 0, 0, 0, 0, self.more)))"
)
SCALED = """MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class Scaled(nn.Sequential):
    def forward(self, x):
        x = (x - MEAN[None, :, None, None].to(x)) / STD[None, :, None, None].to(x)
        return super().forward(x)
"""
EYE = "torch.eye(out_channels, in_channels)"


def judge(source: str, exercise_id: str = "planned-network") -> ExerciseReport:
    exercise = find_exercise(exercise_id)[1]
    assert isinstance(exercise, ModuleExercise | NetworkExercise)
    return judge_against(source, exercise, right_answers(exercise_id))


def failed(report: ExerciseReport) -> dict[str, str]:
    return {check.id: check.message for check in report.checks if check.status is not Status.PASSED}


def with_shortcut(kept: str, shortcut: str) -> str:
    """The network with another way to fill up its shortcuts."""
    return changed(PLANNED, (KEPT, f"{KEPT}        {kept}\n"), (PADDED, f"        return F.relu(out + {shortcut})"))


DOUBLED = "x[:, :, :: self.stride, :: self.stride].repeat(1, 1 + (self.more > 0), 1, 1)"
NUMBERS_KEPT = [
    (f'self.register_buffer("eye", {EYE}[:, :, None, None])', "F.conv2d(x, self.eye, stride=self.stride)"),
    (f"self.eye = {EYE}[:, :, None, None]", "F.conv2d(x, self.eye.to(x), stride=self.stride)"),
    (
        f"self.eye = nn.Parameter({EYE}, requires_grad=False)",
        'torch.einsum("oc,nchw->nohw", self.eye, x[:, :, :: self.stride, :: self.stride])',
    ),
    (
        'self.register_buffer("rows", torch.arange(0, 1024, stride))',
        "F.pad(x[:, :, self.rows[: out.shape[2]]][..., self.rows[: out.shape[3]]], (0, 0, 0, 0, 0, self.more))",
    ),
]
MASK = "torch.cat([torch.ones(in_channels), torch.zeros(out_channels - in_channels)])"
NUMBERS_KEPT += [
    (f'self.register_buffer("mask", {MASK})', f"{DOUBLED} * self.mask.view(1, -1, 1, 1)"),
    (f'self.register_buffer("mask", {MASK}.view(1, -1, 1, 1))', f"{DOUBLED} * self.mask"),
    (f"self.mask = {MASK}[:, None, None]", f"{DOUBLED}.where(self.mask > 0, 0.0)"),
    (f'self.register_buffer("mask", {MASK}[:, None, None] > 0)', f"torch.where(self.mask, {DOUBLED}, 0)"),
]


@pytest.mark.parametrize(("kept", "shortcut"), NUMBERS_KEPT)
def test_numbers_that_a_network_keeps_do_not_hide_its_blocks(kept: str, shortcut: str) -> None:
    """A kernel that picks pixels and puts zeros beside them is no parameter, and is needed to run the recording."""
    source = with_shortcut(kept, shortcut)
    for exercise in ("planned-block", "planned-network"):
        report = judge(source, exercise)
        assert {} == failed(report)
        assert [] == report.diagnoses
        assert 40 == report.score


def test_what_is_wrong_beside_such_numbers_is_named() -> None:
    """In the block itself, and in what stands before it; a weight that is frozen is one of them."""
    kept, shortcut = NUMBERS_KEPT[0]
    right = with_shortcut(kept, shortcut)
    report = judge(changed(right, ("return F.relu(out + ", "return (out + ")))
    assert {"final-relu-missing"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    report = judge(changed(right, ("stride=self.stride)", "stride=self.stride) * 0.5")))
    assert {"shortcut-scaled"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    network = "    return PlannedNetwork(depth, num_classes)"
    frozen = (
        "    made = PlannedNetwork(depth, num_classes)\n    made.stem[0].weight.requires_grad_(False)\n    return made"
    )
    report = judge(changed(PLANNED, (network, frozen)))
    assert ["gradient"] == list(failed(report))
    assert ["parameters-frozen"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert 0 == report.pending


BLOCKS = "PlannedBlock(c, d, d // c)"


def test_a_block_that_stands_several_times_in_a_deeper_network_is_found_there() -> None:
    """With one block to a stage nothing shows; that a deep network has the parameters of a shallow one is no cause."""
    made = "        made = {}\n        widths = "
    source = changed(
        PLANNED, (BLOCKS, f"made.get((c, d)) or made.setdefault((c, d), {BLOCKS})"), ("        widths = ", made)
    )
    report = judge(source)
    assert ["block-instance-repeated"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert (
        "planned_network(depth=14, num_classes=7), 14 layers, 7 classes: 5 blocks are used 6 times"
        in failed(report)["skip-connection"]
    )
    assert (0, 10) == (report.pending, report.max_score - report.score)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[32] * n", "[32] * (n - (depth == 20))", "planned_network(depth=20, num_classes=10) has 1 block of 32"),
        ("[32] * n", "[32] * (n + (depth == 20) * 2)", "has 2 blocks of 32 channels too many"),
        ("n = (depth - 2) // 6", "n = {8: 1, 14: 2, 20: 4}[depth]", "too many, 1 block of 32 channels too many, 1 bl"),
        ("[64] * n", "[64] * (n + (depth == 14))", "(depth=14, num_classes=7) has 1 block of 64 channels too many"),
    ],
)
def test_a_wrong_line_in_the_table_is_told_by_the_parameters(old: str, new: str, words: str) -> None:
    """Networks that are only counted, and those that are only confirmed, are not looked at block by block."""
    report = judge(changed(PLANNED, (old, new)))
    assert ["wrong-depth"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert words in report.diagnoses[0].message
    assert ["parameters"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)


def test_who_replaces_a_layer_of_a_finished_network_means_to() -> None:
    """So a head is exchanged, by another function than that which made it: no layer is lost by that."""
    source = changed(
        PLANNED, ("    return PlannedNetwork(depth, num_classes)", "    made = PlannedNetwork(depth, 1000)\n")
    )
    replaced = "    made.fc = nn.Linear(64, num_classes{})\n    return made\n"
    assert {} == failed(judge(source + replaced.format("")))
    report = judge(source + replaced.format(", bias=False"))
    assert ["trunk-step-missing"] == [diagnosis.mistake for diagnosis in report.diagnoses]


FORWARD = "    def forward(self, x):\n        x = self.blocks("


@pytest.mark.parametrize(
    "frozen",
    [
        f"    def forward(self, x):\n        self.eval()\n{FORWARD.split(chr(10), 1)[1]}",
        "    def train(self, mode=True):\n        super().train(mode)\n"
        "        [m.eval() for m in self.modules() if isinstance(m, nn.BatchNorm2d)]\n        return self\n\n"
        + FORWARD,
        f"    def forward(self, x):\n        self.blocks.eval()\n{FORWARD.split(chr(10), 1)[1]}",
    ],
)
def test_norms_that_a_network_freezes_are_named(frozen: str) -> None:
    """In training mode its blocks do what right ones do there with frozen norms."""
    report = judge(changed(PLANNED, (FORWARD, frozen)))
    assert {"bn-frozen"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    assert ["gradient"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)


def test_one_norm_that_each_block_freezes_is_named() -> None:
    """What a block does in either mode is explained by one mistake."""
    line = "        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))"
    report = judge(changed(PLANNED, (line, f"        self.bn1.eval()\n{line}")))
    assert {"bn-frozen"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    assert ["gradient"] == list(failed(report))


BODY = "        x = self.blocks(self.stem(x))\n"
CUTS = [
    BODY.replace("self.stem(x)", "self.stem(x).detach()"),
    "        with torch.no_grad():\n            x = self.stem(x)\n        x = self.blocks(x)\n",
    f"{BODY}        x = x.detach()\n",
    "        x = self.blocks[0](self.stem(x))\n        for b in self.blocks[1:]:\n            x = b(x.data)\n",
    BODY.replace("self.stem(x)", "self.stem(x.clone().detach().requires_grad_())"),
]


@pytest.mark.parametrize("body", CUTS)
def test_a_network_that_is_cut_from_autograd_around_its_blocks_is_told_so(body: str) -> None:
    """That no gradient reaches its input is seen; that it is cut in the network, and not in a block, is the cause."""
    report = judge(changed(PLANNED, (BODY, body)))
    assert ["gradient-cut"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace("self.stem(x)", "self.stem(F.dropout(x, 0.1, self.training))"),
        BODY.replace("self.blocks(self.stem(x))", "F.dropout(self.blocks(self.stem(x)), 0.2, self.training)"),
    ],
)
def test_dropout_that_was_not_asked_for_costs_once_and_hides_no_block(body: str) -> None:
    """Blocks are counted, and compared, without it."""
    report = judge(changed(PLANNED, (BODY, body)))
    assert ["dropout-added"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)
    wrong = changed(PLANNED, (BODY, body), ("F.relu(out + F.pad", "F.relu(out * F.pad"))
    assert "dropout-added" in {diagnosis.mistake for diagnosis in judge(wrong).diagnoses}


def test_numbers_that_were_there_before_the_network_are_as_precise_as_they_are() -> None:
    """The means of the colours, for one, made in a cell: they are of float32, whatever is asked in."""
    source = changed(
        NETWORK,
        ("    return nn.Sequential(", "    return Scaled("),
        ("\n\ndef build_network", f"\n\n{SCALED}\n\ndef build_network"),
    )
    assert {} == failed(judge(source, "network"))


def test_a_network_that_runs_its_blocks_without_autograd_is_told_so_once() -> None:
    """Its blocks are right, and one of them alone may be cut off."""
    source = changed(PLANNED, (BODY, f"        with torch.no_grad():\n    {BODY}"))
    report = judge(source)
    assert ["gradient-cut"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)


def test_norms_that_are_frozen_around_the_blocks_are_named() -> None:
    """Where blocks are of any kind nothing else tells, and such a network had passed."""
    report = judge(changed(PLANNED, (BODY, f"        self.stem.eval()\n{BODY}")))
    assert ["norms-frozen"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == list(failed(report))
    frozen = "    class Net(nn.Sequential):\n        def forward(self, x):\n            self.eval()\n"
    source = changed(
        AVERAGED, ("    return nn.Sequential(", f"{frozen}            return super().forward(x)\n\n    return Net(")
    )
    report = judge(source, "averaged-network")
    assert ["norms-frozen"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert ["gradient"] == list(failed(report))
    assert (0, 10) == (report.pending, report.max_score - report.score)
