"""The shipped homework is whole and consistent, and an assignment is found by its id or its folder."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
from specs import SPEC

from grader.assignment import (
    Assignment,
    EssayExercise,
    ModuleExercise,
    find_assignment,
    load_assignment,
    shipped_assignments,
)
from grader.errors import UsageError
from grader.verdict import Status, SubmissionStatus
from reference.bottleneck import Bottleneck
from reference.network import build_network
from reference.residual import ResBlock

FOLDER = shipped_assignments()["residual-blocks"]
STARTER = FOLDER / "starter.ipynb"
EXAMPLES = sorted(path for path in (FOLDER / "examples").iterdir() if path.suffix in (".ipynb", ".py"))
EXPECTATIONS = sorted((FOLDER / "examples").glob("*.expected.json"))
NOTEBOOKS = [STARTER, *(path for path in EXAMPLES if path.suffix == ".ipynb")]


def named(path: Path) -> str:
    return path.name


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(FOLDER)


def test_the_assignment_says_what_the_contract_says(assignment: Assignment) -> None:
    """Exercise ids, names and points are relied on by scripts of other people."""
    assert assignment.id == "residual-blocks"
    assert [exercise.id for exercise in assignment.exercises] == [
        "resblock",
        "bottleneck",
        "network",
        "essay",
    ]
    assert assignment.names == ["ResBlock", "Bottleneck", "build_network"]
    assert [exercise.max_score for exercise in assignment.exercises] == [40, 30, 20, 10]
    assert assignment.max_score == 100


def test_every_code_exercise_is_judged_by_the_four_checks(assignment: Assignment) -> None:
    """Shape, parameter count, gradient, skip connection: each is worth something everywhere."""
    for exercise in assignment.code_exercises:
        assert list(exercise.points) == ["shape", "parameters", "gradient", "skip-connection"]
        assert all(points > 0 for points in exercise.points.values())


def test_no_name_belongs_to_two_exercises(assignment: Assignment) -> None:
    """Whichever name a student chooses, it is clear what it answers."""
    names = [name for exercise in assignment.code_exercises for name in (exercise.name, *exercise.aliases)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("exercise_id", ["resblock", "bottleneck"])
def test_cases_cover_every_kind_of_shortcut(assignment: Assignment, exercise_id: str) -> None:
    """Identity; stride with and without more channels; more channels alone; a size that is really used."""
    exercise = next(exercise for exercise in assignment.code_exercises if exercise.id == exercise_id)
    names = ["in_channels", "out_channels", "stride"]
    assert all(list(case.arguments) == names[: len(case.arguments)] for case in exercise.cases)
    kinds = {
        (case.arguments["in_channels"] == case.arguments["out_channels"], case.arguments.get("stride"))
        for case in exercise.cases
    }
    # None: left out, so that its default counts.
    assert kinds == {(True, 1), (True, 2), (False, 1), (False, 2), (False, None)}
    assert any(case.arguments["in_channels"] > case.arguments["out_channels"] for case in exercise.cases)
    assert all(case.input[0] == case.arguments["in_channels"] for case in exercise.cases)
    assert any(case.input[0] >= 64 for case in exercise.cases)


def test_both_places_of_the_bottleneck_stride_are_right(assignment: Assignment) -> None:
    """v1 and v1.5; the basic block's stride sits where the paper has it."""
    positions = {e.id: e.stride_position for e in assignment.code_exercises if isinstance(e, ModuleExercise)}
    assert {"resblock": "reference", "bottleneck": "free"} == positions


def test_every_example_has_an_expectation_and_every_expectation_an_example() -> None:
    """NAME.ipynb or NAME.py stands beside NAME.expected.json."""
    assert [path.stem for path in EXAMPLES] == [path.name.removesuffix(".expected.json") for path in EXPECTATIONS]
    assert len(EXAMPLES) >= 16
    assert any(path.suffix == ".py" for path in EXAMPLES)


@pytest.mark.parametrize("path", EXPECTATIONS, ids=named)
def test_an_expectation_is_complete_and_consistent(path: Path, assignment: Assignment) -> None:
    """Every code exercise has a verdict on every check, in known words, and `correct` means all passed."""
    expected = json.loads(path.read_text(encoding="utf-8"))
    assert set(expected) == {"status", "exercises"}
    assert expected["status"] in set(SubmissionStatus)
    assert list(expected["exercises"]) == [exercise.id for exercise in assignment.code_exercises]
    for exercise in assignment.code_exercises:
        verdict = expected["exercises"][exercise.id]
        assert set(verdict) == {"correct", "checks", "mistakes"}
        assert list(verdict["checks"]) == list(exercise.points)
        allowed = [value if isinstance(value, list) else [value] for value in verdict["checks"].values()]
        assert all(set(values) <= set(Status) for values in allowed)
        assert verdict["correct"] == all(values == ["passed"] for values in allowed)
        assert verdict["correct"] == (not verdict["mistakes"])
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", mistake) for mistake in verdict["mistakes"])


def test_examples_say_in_their_name_whether_they_are_right() -> None:
    """right-… is right in every exercise, wrong-… has exactly one planted mistake."""
    for path in EXPECTATIONS:
        exercises = json.loads(path.read_text(encoding="utf-8"))["exercises"].values()
        mistakes = [mistake for exercise in exercises for mistake in exercise["mistakes"]]
        assert len(mistakes) == (0 if path.name.startswith("right-") else 1), path.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_notebooks_are_valid(path: Path) -> None:
    """Each follows the nbformat that it declares, in every minor version that students send."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert notebook.nbformat == 4
    nbformat.validate(notebook)


def test_examples_come_in_several_formats() -> None:
    """Notebooks in the wild are of many minor versions; those before 4.5 have no cell ids."""
    minors = {json.loads(path.read_text(encoding="utf-8"))["nbformat_minor"] for path in NOTEBOOKS}
    assert {0, 2, 4, 5} <= minors


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_only_the_planted_syntax_error_does_not_parse(path: Path) -> None:
    """A slip in an example would make it an example of something else."""
    if path.suffix == ".py":
        sources = [path.read_text(encoding="utf-8")]
    else:
        cells = nbformat.read(path, as_version=4).cells
        sources = [cell.source for cell in cells if cell.cell_type == "code"]
    broken = 0
    for source in sources:
        plain = "\n".join("" if re.match(r"\s*[!%]", line) else line for line in source.splitlines())
        try:
            ast.parse(plain)
        except SyntaxError:
            broken += 1
    assert broken == (1 if path.stem == "wrong-syntax-error" else 0)


def test_the_starter_names_its_assignment_and_its_answer_cell() -> None:
    """`grader check` finds the assignment by metadata, and the essay by the cell's mark."""
    starter = nbformat.read(STARTER, as_version=4)
    assert starter.metadata["grader"] == {"assignment": "residual-blocks"}
    marked = [cell for cell in starter.cells if "grader" in cell.metadata]
    assert [cell.metadata["grader"] for cell in marked] == [{"answer": "essay"}]
    assert marked[0].source.endswith("*Your answer here*")


def test_of_the_starters_headings_only_that_of_the_answer_is_an_answers(assignment: Assignment) -> None:
    """The question must not be collected as the student's answer."""
    essay = next(exercise for exercise in assignment.exercises if isinstance(exercise, EssayExercise))
    markdown = "\n".join(cell.source for cell in nbformat.read(STARTER, 4).cells if cell.cell_type == "markdown")
    headings = re.findall(r"^#+ +(.*)$", markdown, re.MULTILINE)
    assert len(headings) == 6
    found = [heading for heading in headings if any(words in heading.lower() for words in essay.headings)]
    assert found == ["Written answer"]


def test_the_starters_skeletons_are_unfinished_and_otherwise_as_asked(assignment: Assignment) -> None:
    """Each skeleton has the name and the arguments of the task, and raises NotImplementedError."""
    cells = [cell.source for cell in nbformat.read(STARTER, as_version=4).cells if cell.cell_type == "code"]
    namespace: dict[str, object] = {}
    for source in cells[:1] + [source for source in cells if "NotImplementedError" in source]:
        exec(source, namespace)  # our own notebook
    for exercise in assignment.code_exercises:
        skeleton = namespace[exercise.name]
        assert callable(skeleton)
        for case in exercise.cases:
            with pytest.raises(NotImplementedError, match=r"^$"):
                skeleton(**case.arguments)


def test_the_starters_own_checks_pass_with_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    """A student with a right answer must see `ok`, and no error."""
    cells = [cell.source for cell in nbformat.read(STARTER, as_version=4).cells if cell.cell_type == "code"]
    namespace: dict[str, object] = {
        "ResBlock": ResBlock,
        "Bottleneck": Bottleneck,
        "build_network": build_network,
    }
    for source in cells:
        if "NotImplementedError" not in source:
            exec(source, namespace)  # our own notebook
    assert [line[:2] for line in capsys.readouterr().out.splitlines()] == ["ok"] * 7


def test_a_folder_does_not_take_the_place_of_a_shipped_assignment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have come with what is graded, and its reference would run as the grader. Its path names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "residual-blocks").mkdir()
    (tmp_path / "residual-blocks" / "assignment.toml").write_text(SPEC, encoding="utf-8")
    assert FOLDER == find_assignment("residual-blocks").folder
    assert Path("residual-blocks") == find_assignment("./residual-blocks").folder


def test_an_unknown_id_lists_the_choices() -> None:
    """Whoever mistypes an id sees those there are."""
    with pytest.raises(UsageError) as caught:
        find_assignment("residual-block")
    assert str(caught.value).startswith("there is no assignment 'residual-block': it is neither a folder with")
    assert "residual-blocks" in str(caught.value).split("the shipped ones", 1)[1]
