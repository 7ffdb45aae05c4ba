"""A library that is not installed where answers are graded costs nobody a point; another framework does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from walls import graded, grading

from grader.mistakes._mistake import RESBLOCK, changed
from grader.pipeline import Grader
from grader.verdict import Report, Status

pytestmark = pytest.mark.heavy

Grade = Callable[..., Report]
CLASS = "class ResBlock(nn.Module):"
NETWORK = "def build_network(num_classes=10):\n    return nn.Sequential(ResBlock(3, num_classes), Head())"


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with grading(diagnose=False) as started:
        yield started


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Grade:
    """Grades a notebook of these cells."""
    return partial(graded, grader, tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "import pytorch_lightning as pl\n" + changed(RESBLOCK, ("nn.Module", "pl.LightningModule")),
        "from torchvision.ops import Permute\n" + changed(RESBLOCK, (CLASS, f"{CLASS}\n    order = Permute")),
        "import einops\n" + changed(RESBLOCK, ("identity = self.shortcut(x)", "identity = einops.reduce(x, 'a')")),
        "from timm.layers import *\n" + changed(RESBLOCK, ("nn.BatchNorm2d(out", "BatchNormAct2d(out")),
    ],
)
def test_an_answer_that_needs_a_library_is_pending(grade: Grade, source: str) -> None:
    report = grade(source)
    block = report.exercises[0]
    assert {Status.SKIPPED} == {check.status for check in block.checks}
    assert block.pending == block.max_score
    assert "which is not installed where this is graded" in block.checks[0].message
    assert not block.diagnoses


def test_so_is_a_network_of_a_class_that_needs_one(grade: Grade) -> None:
    """What is left out for a library that is missing is missing itself."""
    head = "import lightning as L\n\nclass Head(L.LightningModule):\n    pass"
    report = grade(RESBLOCK, head, NETWORK)
    assert report.exercises[0].correct
    assert report.exercises[2].pending == report.exercises[2].max_score


def test_a_library_that_the_answer_does_not_need_costs_nothing(grade: Grade) -> None:
    report = grade("from tqdm import tqdm\nimport torchvision.transforms as T", RESBLOCK, "for i in tqdm([1]): pass")
    assert report.exercises[0].correct


@pytest.mark.parametrize(
    "source",
    [
        "import torhc\n" + changed(RESBLOCK, (CLASS, f"{CLASS}\n    depth = torhc.zeros(1)")),
        "from tensorflow import keras\n\n\nclass ResBlock(keras.Model):\n    pass",
        "from my_blocks import ResBlock",
    ],
)
def test_what_is_misspelt_or_another_framework_or_not_handed_in_is_not_pending(grade: Grade, source: str) -> None:
    block = grade(source).exercises[0]
    assert not block.pending
    assert block.checks[0].score == 0


def test_a_slip_beside_a_library_that_is_missing_is_no_reason_to_wait(grade: Grade) -> None:
    """What another exercise lacks keeps nobody from being told of a name that no text defines."""
    head = "import lightning as L\n\nclass Head(L.LightningModule):\n    pass"
    wrong = changed(RESBLOCK, ("return F.relu(out + identity)", "return magic(out, identity)"))
    report = grade(wrong, head, NETWORK)
    assert not report.exercises[0].pending
    assert report.exercises[0].checks[0].status is Status.STUDENT_CRASHED


def test_a_function_that_needs_a_library_is_pending(tmp_path: Path) -> None:
    source = "from scipy.special import comb\n\n\ndef path_lengths(n):\n    return [comb(n, k) for k in range(n + 1)]"
    with grading(assignment="ensemble-view") as grader:
        lengths = graded(grader, tmp_path, source).exercises[0]
    assert lengths.pending == lengths.max_score
