"""A reference with which nobody could be compared is refused, with the file, the exercise and the case."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import load_assignment
from grader.errors import AssignmentError
from grader.right import Right

SPEC = """
id = "refused"
title = "Refused"
[[exercise]]
id = "net"
kind = "module"
title = "Net"
name = "Net"
reference = "reference:Net"
points = { gradient = 1 }
[[exercise.case]]
title = "small"
arguments = { width = 3 }
input = [3]
"""
MODULE = """
import sys
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer, self.drop = nn.Linear(width, width), nn.Dropout(0.0)

    def forward(self, x):
        return self.drop(self.layer(x))
"""


def prepare(folder: Path, source: str, spec: str = SPEC) -> None:
    (folder / "reference.py").write_text(source)
    (folder / "assignment.toml").write_text(spec)
    assignment = load_assignment(folder)
    Right(assignment, 0, "cpu").prepare(assignment.called_exercises[0])


def test_one_that_can_be_compared_is_taken(tmp_path: Path) -> None:
    """Dropout that drops nothing included: else the tests below would prove nothing."""
    prepare(tmp_path, MODULE)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Dropout(0.0)", "Dropout(0.5)", "case 'small': the reference draws random numbers in training mode"),
        ("self.layer(x)", "self.layer(x) + torch.rand(1)", "case 'small': the reference draws random numbers: nobody"),
        (
            "class Net(",
            "def Net(width):\n    return 3\n\nclass Other(",
            "the reference gives a int, which is no nn.Mod",
        ),
        ("import sys", "import sys; sys.exit(3)", "'reference:Net' cannot be imported: its file raises SystemExit: 3"),
        ("import sys", "import sys; lost", "cannot be imported: its file raises NameError: name 'lost' is not defined"),
        ("class Net(", "class Lost(", "has no attribute 'Net'"),
        ("self.layer(x)", "self.layer(x)[0], 1", "case 'small': the reference"),
    ],
)
def test_one_that_cannot_is_refused_in_words(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(AssignmentError) as caught:
        prepare(tmp_path, MODULE.replace(old, new))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'assignment.toml'}: exercise net: reference: ")
    assert words in said
    assert 1 == said.count("assignment.toml")


def test_an_input_that_fits_into_no_memory_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"case 'small': an input of \(2, 1000000000000000\) cannot be made"):
        prepare(tmp_path, MODULE, SPEC.replace("input = [3]", "input = [1000000000000000]"))
