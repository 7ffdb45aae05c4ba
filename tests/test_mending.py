"""Code that does not run is judged with its slip mended: what keeps it from running costs once, and is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from judging import examine_source, find_exercise, judge, right_answers, shipped
from planted_programs import HANDS
from walls import graded, grading

from grader.assignment import Limits, ModuleExercise, find_assignment
from grader.exercise import judge_exercise
from grader.formats import Run
from grader.formats._feedback import feedback_page
from grader.mended import MOST_WAYS
from grader.mending import Mend, Slip, menders, mends_for, slip_of
from grader.mistakes import mistakes
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.slips import TUPLE_CALLED
from grader.pipeline import Grader
from grader.submission import Cell
from grader.verdict import Proof, Report, Status

pytestmark = pytest.mark.heavy

SUM = "return F.relu(out + identity)"
NETWORK = """
def build_network(num_classes=10):
    blocks = [ResBlock(16, 16), ResBlock(16, 32, 2), ResBlock(32, 64, 2)]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))
"""
Grade = Callable[..., Report]


def mended(source: str) -> Mend | None:
    """The mend with which a source with one slip is right; None if there is none among the first."""
    name = "bottleneck" if "class Bottleneck" in source else "resblock"
    exercise, answers = find_exercise(name)[1], right_answers(name)
    assert isinstance(exercise, ModuleExercise)
    slip = slip_of(examine_source(source, exercise, answers))
    assert slip is not None
    for mend, _ in zip(mends_for(slip, [Cell(1, "code", source)]), range(MOST_WAYS), strict=False):
        written = "\n".join(cell.source for cell in mend.change.code.cells)
        if judge_exercise(examine_source(written, exercise, answers), search=False).correct:
            return mend
    return None


@pytest.mark.parametrize(
    ("mistake", "source"), [(mender.mistake, source) for mender in menders() for source in mender.broken]
)
def test_what_a_mender_is_for_it_mends(mistake: str, source: str) -> None:
    found = mended(source)
    assert found is not None
    assert found.mistake == mistake
    assert mistake in mistakes()


@pytest.mark.parametrize("source", [source for mender in menders() for source in mender.broken])
def test_what_does_not_run_does_not_pass(source: str) -> None:
    """However easily it could be mended; where layers are not registered it runs, and has too few parameters."""
    report = judge(source, "bottleneck" if "class Bottleneck" in source else "resblock")
    assert not report.correct
    assert 0 in [check.score for check in report.checks[:2]]


# Slips in front of which the code is more than one line away from running, or is not what was asked for.
HOPELESS = {
    "not begun": changed(RESBLOCK, (RESBLOCK[RESBLOCK.index("        out = F.relu(self.bn1") :], "        pass\n")),
    "nothing else": "from torch import nn\n\n\nclass ResBlock(nn.Module):\n    def foward(self, x): return x\n",
    "a name from nowhere": changed(RESBLOCK, (SUM, "return magic(out, identity)")),
    "open brackets": changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.relu(((((self.bn1(self.conv1(x)))")),
}


@pytest.mark.parametrize("source", HOPELESS.values(), ids=list(HOPELESS))
def test_what_is_more_than_a_slip_is_left(source: str) -> None:
    assert mended(source) is None


def test_a_long_line_of_a_hostile_hand_in_takes_no_time() -> None:
    """Nothing is looked for in lines that nobody writes."""
    cell = Cell(1, "code", "x = " + "(" * 1_000_000)
    slip = Slip("SyntaxError", "'(' was never closed", cell=1, line=1, found="ResBlock")
    assert not list(mends_for(slip, [cell]))


@pytest.mark.parametrize(
    "source",
    ["class ResBlock:\n" + "    def f(\n" * 100_000, "super(" + ").__init__(" * 50_000, "    self.x = 1\n" * 100_000],
)
@pytest.mark.parametrize("slip", [Slip(gave="NoneType"), Slip(gave="ResBlock"), Slip(message=TUPLE_CALLED)])
def test_cells_of_a_size_that_nobody_writes_are_not_looked_into(slip: Slip, source: str) -> None:
    """Looking for the place of a slip takes quadratic time, on the trusted side of the wall."""
    assert not list(mends_for(replace(slip, cell=1, line=2, found="ResBlock"), [Cell(1, "code", source)]))


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with grading("auto", Limits()) as started:
        yield started


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Grade:
    """Grades a notebook of these cells."""
    return partial(graded, grader, tmp_path)


def lost(report: Report) -> dict[str, float]:
    """Points that are not won, by exercise, of those that are answered."""
    return {each.id: each.max_score - each.score for each in report.exercises if each.id != "essay" and each.score}


RIGHT = (RESBLOCK, BOTTLENECK, NETWORK)
SLIPS = {
    "return": changed(RESBLOCK, (SUM, f"out = {SUM.removeprefix('return ')}")),
    "colon": changed(RESBLOCK, ("def forward(self, x):", "def forward(self, x)")),
    "name": changed(RESBLOCK, ("self.bn2(self.conv2", "self.bn2(self.cnov2")),
    "super": changed(RESBLOCK, ("        super().__init__()\n", "")),
    "library": changed(RESBLOCK, ("nn.Module", "nn.Moduel")),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_costs_one_check_of_one_exercise(grade: Grade, slip: str) -> None:
    """It is proven, all other checks are judged, and the network that is made of the block pays nothing."""
    report = grade(SLIPS[slip], BOTTLENECK, NETWORK)
    assert lost(report) == {"resblock": 10.0, "bottleneck": 0.0, "network": 0.0}
    block = report.exercises[0]
    assert [check.score for check in block.checks] == [0, 10, 10, 10]
    assert {check.status for check in block.checks[2:]} == {Status.STUDENT_CRASHED}  # as it is, it does not run
    assert not block.correct
    assert [each.proof for each in block.diagnoses] == [Proof.REPLAYED]
    assert report.exercises[2].correct
    assert any("was mended" in repair for repair in report.repairs)


def test_an_import_that_all_exercises_lack_costs_once(grade: Grade) -> None:
    report = grade(
        changed(RESBLOCK, ("import torch.nn.functional as F\n", "")),
        changed(BOTTLENECK, ("import torch.nn.functional as F\n", "")),
        NETWORK,
    )
    assert lost(report) == {"resblock": 10.0, "bottleneck": 0.0, "network": 0.0}


def test_behind_a_slip_the_next_mistake_is_found(grade: Grade) -> None:
    """Both cost, each in its own check."""
    report = grade(changed(RESBLOCK, (SUM, "out = F.relu(out)")), BOTTLENECK, NETWORK)
    found = {each.mistake: each.proof for each in report.exercises[0].diagnoses}
    assert found == {"output-missing": Proof.MEASURED, "shortcut-missing": Proof.REPLAYED}
    assert [check.score for check in report.exercises[0].checks] == [0, 10, 10, 0]


def test_two_slips_in_a_row_are_both_named(grade: Grade) -> None:
    report = grade(changed(RESBLOCK, (SUM, "out = F.Relu(out + identity)")), BOTTLENECK, NETWORK)
    assert [each.mistake for each in report.exercises[0].diagnoses] == ["unknown-in-torch", "output-missing"]
    assert lost(report)["resblock"] == 10.0


LISTED = (
    "        self.convs, self.bns = nn.ModuleList(), nn.ModuleList()\n",
    "        self.convs, self.bns = [], []  # one of each\n",
)


def test_layers_in_a_python_list_cost_one_check(grade: Grade) -> None:
    """All else is judged with the list made a ModuleList, and where that is right the list is proven to be all."""
    report = grade(changed(HANDS["loop"], LISTED), BOTTLENECK, NETWORK)
    assert lost(report) == {"resblock": 10.0, "bottleneck": 0.0, "network": 0.0}
    block = report.exercises[0]
    assert [check.score for check in block.checks] == [10, 0, 10, 10]
    assert [(each.mistake, each.proof) for each in block.diagnoses] == [("layers-unregistered", Proof.REPLAYED)]
    assert any("where PyTorch does not find them" in repair for repair in report.repairs)


def test_norms_that_are_not_registered_are_mended_though_they_raise() -> None:
    """`eval()` does not reach them, so that they refuse a batch of one, which is no slip of its own."""
    source = """
from torch import nn


class Residual(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.first, self.last = nn.Linear(2, 16), nn.Linear(16, 2)
        self.layers = [nn.Sequential(nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16)) for _ in range(depth)]

    def forward(self, x):
        h = self.first(x)
        for layer in self.layers:
            h = h + layer(h)
        return self.last(h)


resnet = Residual
"""
    exercise, answers = shipped("degradation", "resnet")
    slip = slip_of(examine_source(source, exercise, answers))
    assert slip is not None
    assert slip.is_unregistered
    mend = next(mends_for(slip, [Cell(1, "code", source)]))
    written = "\n".join(cell.source for cell in mend.change.code.cells)
    assert judge_exercise(examine_source(written, exercise, answers), search=False).correct


def test_beside_layers_in_a_python_list_the_next_mistake_is_found(grade: Grade) -> None:
    report = grade(changed(HANDS["loop"], LISTED, ("(h + short)", "(h * short)")), BOTTLENECK, NETWORK)
    found = {each.mistake: each.proof for each in report.exercises[0].diagnoses}
    assert found == {"layers-unregistered": Proof.MEASURED, "shortcut-multiplied": Proof.REPLAYED}
    assert report.exercises[0].score == 20.0


def test_lists_that_hold_no_layers_stay_as_they_are(grade: Grade) -> None:
    """Numbers cannot be put into a ModuleList."""
    source = changed(HANDS["loop"], (LISTED[0], LISTED[1] + "        self.sizes = [inc, outc]\n"))
    report = grade(source, BOTTLENECK, NETWORK)
    assert lost(report)["resblock"] == 10.0


def test_a_weight_that_is_not_registered_and_not_missed_is_right(grade: Grade) -> None:
    """Nothing is mended of what is right: what is not trained is asked for where it is counted."""
    one = "        self.one = torch.ones(1, requires_grad=True)\n        self.shortcut = nn.Sequential()\n"
    source = changed(RESBLOCK, ("        self.shortcut = nn.Sequential()\n", one))
    report = grade(source, BOTTLENECK, NETWORK)
    assert lost(report)["resblock"] == 0.0
    assert not any("was mended" in repair for repair in report.repairs)


def test_a_pooling_for_one_size_costs_once(grade: Grade) -> None:
    report = grade(RESBLOCK, BOTTLENECK, changed(NETWORK, ("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(28)")))
    network = report.exercises[2]
    assert [each.mistake for each in network.diagnoses] == ["pooling-of-one-size"]
    assert lost(report) == {"resblock": 0.0, "bottleneck": 0.0, "network": network.checks[0].max_score}


def test_what_cannot_be_mended_costs_as_before(grade: Grade) -> None:
    report = grade(HOPELESS["a name from nowhere"], BOTTLENECK, NETWORK)
    assert report.exercises[0].score == 10.0
    assert [each.mistake for each in report.exercises[0].diagnoses] == ["name-error"]
    assert not any("was mended" in repair for repair in report.repairs)


def test_where_mending_breaks_the_code_is_judged_as_it_is(grade: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the grader's fault, and costs no more than the slip."""

    def breaks(*_: object) -> None:
        raise RuntimeError("the grader's own")

    monkeypatch.setattr("grader.mended._nearer", breaks)
    report = grade(SLIPS["return"], BOTTLENECK, NETWORK)
    assert report.exercises[0].score == 10.0
    assert [each.mistake for each in report.exercises[0].diagnoses] == ["output-missing"]
    assert report.exercises[1].correct


def test_the_line_as_it_is_meant_is_the_last_hint(grade: Grade) -> None:
    """An assignment may hold that back: it stands nowhere else."""
    report = grade(SLIPS["name"], BOTTLENECK, NETWORK)
    diagnosis = report.exercises[0].diagnoses[0]
    now = "self.bn2(self.conv2(out))"
    assert diagnosis.lesson is not None
    assert now in diagnosis.lesson.hints[-1]
    assert now not in diagnosis.message + " ".join(report.repairs + report.warnings)


def test_lines_are_counted_behind_empty_ones(grade: Grade) -> None:
    """IPython drops empty lines in front of a cell, and would say another line than the editor."""
    source = "\n\n" + SLIPS["colon"]
    line = source.split("\n").index("    def forward(self, x)") + 1
    report = grade(source, BOTTLENECK, NETWORK)
    assert report.exercises[0].diagnoses[0].line == line


def test_the_page_says_what_the_proof_of_a_slip_is(grade: Grade) -> None:
    """It is the student's code that was run again, and not the reference with a mistake in it."""
    report = grade(SLIPS["return"], BOTTLENECK, NETWORK)
    page = feedback_page(Run(find_assignment("residual-blocks"), 0, "bwrap", "cpu"), report, None)
    assert "with this line mended, your code does exactly what the reference does" in page
    assert "the reference with exactly this mistake" not in page
