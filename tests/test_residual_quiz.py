"""The shipped questions: every number is what PyTorch computes, every wrong option is explained, no code is run."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn
from typer.testing import CliRunner

from grader.assignment import (
    Assignment,
    ChoiceExercise,
    PredictExercise,
    find_assignment,
    shipped_assignments,
)
from grader.cli import app
from grader.formats import Run
from grader.formats._feedback import feedback_page
from grader.pipeline import Grader, Settings
from grader.sandbox import Isolation, Zygote
from grader.submission import HandIn, choose_assignment, read
from reference.residual import ResBlock

FOLDER = shipped_assignments()["residual-quiz"]
EXAMPLES = FOLDER / "examples"
ASSIGNMENT: Assignment = find_assignment("residual-quiz")
QUESTIONS = {exercise.id: exercise for exercise in ASSIGNMENT.quiz_exercises}
CHOICES = [exercise for exercise in ASSIGNMENT.exercises if isinstance(exercise, ChoiceExercise)]
PREDICTIONS = [exercise for exercise in ASSIGNMENT.exercises if isinstance(exercise, PredictExercise)]


def conv(**more: Any) -> nn.Conv2d:
    """One channel, 3×3, padding 1, all weights zero and the bias one."""
    layer = nn.Conv2d(1, 1, 3, padding=1, **more)
    nn.init.zeros_(layer.weight)
    nn.init.ones_(layer.bias)
    return layer


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ---------------------------------------------------------------------- the questions are right


def zero_block() -> Any:
    x = torch.ones(1, 1, 5, 5)
    y = torch.relu(conv()(x) + x)
    assert len(y.unique()) == 1
    return y.unique().item()


def output_shape() -> Any:
    return list(ResBlock(64, 128, stride=2)(torch.zeros(1, 64, 32, 32)).shape)


def path_lengths(blocks: int) -> list[int]:
    return [sum(taken) for taken in product((0, 1), repeat=blocks)]


def path_length() -> Any:
    """By counting all paths of small networks; the mean is linear in the number of blocks."""
    means = [sum(lengths) / len(lengths) for lengths in map(path_lengths, (2, 4, 8))]
    assert [1, 2, 4] == means
    chosen = torch.distributions.Binomial(54, torch.tensor(0.5, dtype=torch.float64))
    shares = chosen.log_prob(torch.arange(55, dtype=torch.float64)).exp()
    assert shares[19:36].sum() > 0.95  # as the paper says
    return (shares * torch.arange(55)).sum().item()


def shrinking() -> Any:
    x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(4):
        y = y + -0.5 * y
    return torch.autograd.grad(y, x)[0].item()


COMPUTED = {
    "zero-block": zero_block,
    "output-shape": output_shape,
    "convolution-parameters": lambda: count(nn.Conv2d(64, 128, 3, bias=False)),
    "path-length": path_length,
    "path-count": lambda: len(path_lengths(10)),
    "shrinking": shrinking,
}


@pytest.mark.parametrize("exercise", PREDICTIONS, ids=lambda exercise: exercise.id)
def test_a_value_is_what_comes_out(exercise: PredictExercise) -> None:
    """Computed, not remembered; and no wrong value is right."""
    value = COMPUTED[exercise.id]()
    assert exercise.means(exercise.value, value)
    assert not any(exercise.means(wrong.value, value) for wrong in exercise.wrong)


def test_wrong_values_come_from_the_mistake_that_they_name() -> None:
    """Where an explanation says what would have given that value, it would have."""
    wrong = {each.id: [wrong.value for wrong in each.wrong] for each in PREDICTIONS}
    ones = conv()
    nn.init.ones_(ones.weight)
    x = torch.ones(1, 1, 5, 5)
    assert {ones(x)[0, 0, 2, 2].item(), (ones(x) + x)[0, 0, 2, 2].item(), conv()(x)[0, 0, 2, 2].item()} < set(
        wrong["zero-block"]
    )
    unpadded = nn.Conv2d(64, 128, 3, stride=2)(torch.zeros(1, 64, 32, 32))
    assert list(unpadded.shape) in wrong["output-shape"]
    layers = [
        nn.Conv2d(64, 128, 3),
        nn.Conv2d(64, 128, 1, bias=False),
        nn.Conv2d(64, 128, 3, groups=64, bias=False),
        nn.Conv2d(64, 1, 3, bias=False),
        nn.Conv2d(128, 128, 3, bias=False),
    ]
    assert [count(layer) for layer in layers] == wrong["convolution-parameters"]
    assert sum(range(1, 55)) / 54 in wrong["path-length"]
    assert len(set(path_lengths(10))) in wrong["path-count"]
    assert 1.5**4 in wrong["shrinking"]


def test_what_changes_the_number_of_parameters() -> None:
    """Option by option, on the reference."""
    plain = count(ResBlock(64, 64))
    block = ResBlock(64, 64)
    for size, batch in ((32, 32), (64, 2)):
        block(torch.zeros(batch, 64, size // 8, size // 8))
    changes = {
        "a": count(ResBlock(64, 64, stride=2)) != plain,
        "b": count(block) != plain,
        "c": count(ResBlock(64, 128)) != plain,
        "d": count(block) != plain,
    }
    question = QUESTIONS["parameter-count"]
    assert isinstance(question, ChoiceExercise)
    assert {option.id: option.right for option in question.options} == changes


def test_the_bound_on_the_gradient_holds_and_the_popular_one_does_not() -> None:
    """1 − s is a lower bound that is met; 1 is none."""
    generator = torch.Generator().manual_seed(0)
    for scale in (0.1, 0.5, 1.0, 2.0):
        jacobian = scale * torch.randn(8, 8, generator=generator, dtype=torch.float64) / 8**0.5
        s = torch.linalg.matrix_norm(jacobian, 2)
        smallest = torch.linalg.svdvals(torch.eye(8) + jacobian).min()
        assert smallest >= 1 - s - 1e-12
    half = torch.linalg.svdvals(torch.eye(8) - 0.5 * torch.eye(8)).min()
    assert 0.5 == half


def test_a_branch_that_begins_at_zero_learns() -> None:
    """Its last batch norm's weight gets a gradient at once, its convolutions one step later."""
    torch.manual_seed(0)
    branch = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
    norm = branch[1]
    nn.init.zeros_(norm.weight)
    x = torch.randn(2, 4, 6, 6)
    y = x + branch(x)
    assert torch.equal(x, y)
    (y * torch.randn_like(y)).sum().backward()
    assert norm.weight.grad.abs().min() > 0
    assert branch[0].weight.grad.abs().max() == 0


def test_the_cost_of_a_bottleneck() -> None:
    """A quarter of the channels on both sides: a sixteenth of the weights, and of the multiplications."""
    assert 16 * count(nn.Conv2d(16, 16, 3, bias=False)) == count(nn.Conv2d(64, 64, 3, bias=False))


def test_there_are_enough_questions_and_every_wrong_option_is_explained() -> None:
    """Each in its own words; and which letter is right cannot be guessed from the others."""
    assert len(CHOICES) >= 8
    assert len(PREDICTIONS) >= 4
    assert 100 == ASSIGNMENT.max_score
    explanations = [option.explanation for each in CHOICES for option in each.options]
    explanations += [wrong.explanation for each in PREDICTIONS for wrong in each.wrong]
    assert all(len(text.split()) >= 4 for text in explanations)
    assert len(set(explanations)) == len(explanations)
    letters = [option.id for each in CHOICES for option in each.options if option.right]
    assert max(letters.count(letter) for letter in "abcd") <= 5
    longest = [max(each.options, key=lambda option: len(option.text)).right for each in CHOICES]
    assert sum(longest) <= len(CHOICES) * 2 / 3


# ---------------------------------------------------------------------- the notebooks


def test_the_starter_asks_every_question_as_the_assignment_does() -> None:
    """Task, options and a cell with the name; nothing in it is an answer."""
    starter = nbformat.read(FOLDER / "starter.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(starter)
    assert {"assignment": "residual-quiz"} == starter.metadata["grader"]
    text = "\n".join(cell.source for cell in starter.cells if cell.cell_type == "markdown")
    code = [cell.source for cell in starter.cells if cell.cell_type == "code"]
    assert [exercise.name for exercise in ASSIGNMENT.quiz_exercises] == [cell.split(" = ...")[0] for cell in code]
    for exercise in ASSIGNMENT.quiz_exercises:
        assert f"({exercise.id})\n\n{exercise.task}" in text
        assert any(f"answer: {exercise.id}" == heading for heading in exercise.headings)
    for option in (option for each in CHOICES for option in each.options):
        assert f"- **{option.id})** {option.text}" in text
        assert option.explanation not in text
    report = grade(FOLDER / "starter.ipynb")
    assert 0 == report.score == report.pending
    assert all(exercise.checks[0].message.startswith("Not answered: ") for exercise in report.exercises)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.expected.json")), ids=lambda path: path.name)
def test_an_expectation_is_complete(path: Path) -> None:
    """Beside an example, for every question."""
    expected = json.loads(path.read_text(encoding="utf-8"))
    assert list(expected["exercises"]) == list(QUESTIONS)
    assert [path] == [each for each in EXAMPLES.glob("*.json") if each.name == path.name]
    example = path.with_name(path.name.replace(".expected.json", ".ipynb"))
    if example.exists():
        nbformat.validate(nbformat.read(example, as_version=nbformat.NO_CONVERT))
    else:
        assert example.with_suffix(".py").exists()
    wrong = [verdict for verdict in expected["exercises"].values() if not verdict["correct"]]
    assert path.name.startswith("wrong" if wrong else "right")


# ---------------------------------------------------------------------- graded without running anything


def grade(path: Path) -> Any:
    settings = Settings(Isolation.NONE, "cpu", 0, ASSIGNMENT.limits)
    with Grader(ASSIGNMENT, settings) as grader:
        grader.prepare()
        return grader.grade(HandIn("doe", path.name, path))[0]


def test_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No process is started, whatever the notebook holds."""
    monkeypatch.setattr(Zygote, "_launch", lambda self: pytest.fail("a process was started"))
    path = tmp_path / "mine.py"
    path.write_text("import os\nos._exit(3)\nq_path_length = 27\n", encoding="utf-8")
    report = grade(path)
    assert "graded" == report.status
    assert ["path-length"] == [exercise.id for exercise in report.exercises if exercise.correct]


def test_no_message_on_a_wrong_answer_tells_the_right_one(tmp_path: Path) -> None:
    """For every wrong option and value: its own explanation, and not the right option's."""
    path = tmp_path / "mine.py"
    for exercise in ASSIGNMENT.quiz_exercises:
        answers = (
            {repr(option.id): option.explanation for option in exercise.options if not option.right}
            if isinstance(exercise, ChoiceExercise)
            else {repr(wrong.value): wrong.explanation for wrong in exercise.wrong}
        )
        for answer, explanation in answers.items():
            path.write_text(f"{exercise.name} = {answer}\n", encoding="utf-8")
            (check,) = next(each for each in grade(path).exercises if each.id == exercise.id).checks
            assert "failed" == check.status
            assert check.message.endswith(explanation)
            assert check.expected is None
            assert (1, 1) == (check.cell, check.line)
            for option in exercise.options if isinstance(exercise, ChoiceExercise) else ():
                assert not option.right or option.text not in check.message


def test_the_assignment_is_found_by_the_names_it_asks_for(tmp_path: Path) -> None:
    """Without metadata, among all that ship."""
    path = tmp_path / "mine.py"
    path.write_text('q_degradation = "b"\n', encoding="utf-8")
    submission = read(HandIn("doe", "mine.py", path))
    assert "residual-quiz" == choose_assignment(None, [submission], shipped_assignments()).id


def test_the_command_grades(tmp_path: Path) -> None:
    """A folder of them, from the command line, by the metadata that the notebooks carry."""
    arguments = ["check", str(EXAMPLES), "--output", str(tmp_path), "--quiet", "--jobs", "1"]
    result = CliRunner().invoke(app, arguments)
    assert 0 == result.exit_code, result.output
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(QUESTIONS) == len(found["submissions"][0]["exercises"])
    assert len(list(EXAMPLES.glob("*.expected.json"))) == len(found["submissions"])


def test_the_page_shows_question_answer_and_explanation() -> None:
    """All three, and the place in the notebook."""
    path = EXAMPLES / "wrong-popular.ipynb"
    submission = read(HandIn("doe", path.name, path))
    page = BeautifulSoup(feedback_page(Run(ASSIGNMENT, 0, "none", "cpu"), grade(path), submission), "html.parser")
    section = page.select("section.exercise")[0]
    text = re.sub(r"\s+", " ", section.get_text())
    question = CHOICES[0]
    assert question.task in text
    assert 'Your answer "a"' in text
    assert question.options[0].explanation in text
    assert question.options[1].explanation not in text


def test_an_answer_is_right_or_wrong_and_nothing_is_proposed() -> None:
    """No human reads it again: a right one is correct, and what is to be fixed begins with what was answered."""
    path = EXAMPLES / "wrong-slips.ipynb"
    page = BeautifulSoup(feedback_page(Run(ASSIGNMENT, 0, "none", "cpu"), grade(path), None), "html.parser")
    assert "proposed" not in page.get_text()
    assert "✓Correct" in page.select("section[aria-labelledby=all] .status")[0].get_text()
    steps = [step.get_text() for step in page.select(".steps a")]
    assert steps
    assert [] == [step for step in steps if step.startswith("Answer")]


def test_an_audit_has_nothing_to_plant() -> None:
    """It says so, and finds nothing to blame."""
    result = CliRunner().invoke(app, ["audit", "residual-quiz", "--quiet"])
    assert (0, "residual-quiz: no exercise asks for a module, so there is nothing to plant\n") == (
        result.exit_code,
        result.output,
    )
