"""The shipped homework is whole and consistent, and a spec with a mistake is refused in words that help."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
from pathlib import Path

import nbformat
import pytest
import torch
from pydantic import BaseModel
from torch import nn

from grader.assignment import (
    Assignment,
    Bound,
    Case,
    ChoiceExercise,
    Claim,
    Concept,
    Drawn,
    EssayExercise,
    ExperimentExercise,
    FunctionCase,
    FunctionExercise,
    Hints,
    KnownFault,
    Limits,
    Misconception,
    ModuleExercise,
    NetworkExercise,
    Option,
    PredictExercise,
    Release,
    Series,
    WrongValue,
    find_assignment,
    load_assignment,
    shipped_assignments,
)
from grader.errors import AssignmentError, UsageError
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


# --- the assignment ---------------------------------------------------------------------------------------


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


# --- notebooks and their expected verdicts ------------------------------------------------------------------


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


# --- a spec with a mistake ----------------------------------------------------------------------------

SPEC = """
id = "demo"
title = "Demo"

[[exercise]]
id = "block"
kind = "module"
title = "A block"
name = "Block"
reference = "reference:Block"
points = { shape = 10 }

[[exercise.case]]
title = "small"
arguments = { channels = 4, stride = 1 }
input = [4, 8, 8]

[[exercise.case]]
title = "large"
arguments = { channels = 8, stride = 1 }
input = [8, 8, 8]

[[exercise]]
id = "net"
kind = "network"
title = "A network"
name = "build"
outputs = "classes"
points = { shape = 5 }

[[exercise.case]]
title = "ten"
arguments = { classes = 10 }
input = [3, 8, 8]

[[exercise]]
id = "words"
kind = "essay"
title = "In words"
points = 2
"""


def refusal(folder: Path, spec: str | bytes) -> str:
    """What is said of this spec, without the file's name, which every line must begin with."""
    path = folder / "assignment.toml"
    path.write_bytes(spec if isinstance(spec, bytes) else spec.encode())
    with pytest.raises(AssignmentError) as caught:
        load_assignment(folder)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return "\n".join(line.removeprefix(f"{path}: ") for line in lines)


def replaced(old: str, new: str) -> str:
    """SPEC with one mistake: the first `old` there is becomes `new`."""
    assert old in SPEC
    return SPEC.replace(old, new, 1)


def test_the_spec_without_a_mistake_loads(tmp_path: Path) -> None:
    """Else the tests below would prove nothing."""
    (tmp_path / "assignment.toml").write_text(SPEC, encoding="utf-8")
    assignment = load_assignment(tmp_path)
    assert assignment.max_score == 17
    assert assignment.folder == tmp_path
    assert find_assignment(str(tmp_path)) == assignment


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'title = "Demo"',
            'title = "Demo"\ncolour = "red"',
            "colour: unknown key; remove it or check its spelling",
        ),
        (
            'title = "Demo"',
            'title = "Demo"\nfolder = "/"',
            "folder: unknown key; remove it or check its spelling",
        ),
        ('title = "Demo"\n', "", "title: missing; this key is required"),
        ('title = "Demo"', "title = 5", "title: input should be a valid string, found 5"),
        (
            'id = "demo"',
            'id = "My demo"',
            "id: string should match pattern '^[a-z0-9][a-z0-9-]*$', found 'My demo'",
        ),
        (
            'title = "Demo"',
            'title = "Demo"\nlimits = { secs = 1 }',
            "limits.secs: unknown key; remove it or check its spelling",
        ),
        (
            'title = "Demo"',
            'title = "Demo"\nlimits = { seconds = 0 }',
            "limits.seconds: input should be greater than 0, found 0",
        ),
        (
            'name = "Block"',
            'nmae = "Block"',
            "exercise[block].name: missing; this key is required\n"
            "exercise[block].nmae: unknown key; remove it or check its spelling",
        ),
        (
            'reference = "reference:Block"',
            'reference = "Block"',
            "exercise[block].reference: string should match pattern "
            "'^[a-z_][a-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$', found 'Block'",
        ),
        (
            'kind = "module"',
            'kind = "modul"',
            "exercise[block].kind: expected one of 'module', 'network', 'function', 'experiment', 'essay', 'choice', "
            "'predict', found 'modul'",
        ),
        (
            'kind = "module"\n',
            "",
            "exercise[block].kind: missing; expected one of 'module', 'network', 'function', 'experiment', 'essay', ",
        ),
        ("points = { shape = 10 }", "points = 10", "exercise[block].points: input should be a valid "),
        (
            "points = { shape = 10 }",
            "points = { shape = -1 }",
            "exercise[block].points.shape: input should be greater than or equal to 0, found -1",
        ),
        (
            "input = [8, 8, 8]",
            "input = 8",
            "exercise[block].case[1].input: input should be a valid list, found 8",
        ),
        ("input = [8, 8, 8]\n", "", "exercise[block].case[1].input: missing; this key is required"),
        (
            "input = [8, 8, 8]",
            "input = [8, 8.5, 8]",
            "exercise[block].case[1].input[1]: input should be a valid integer, "
            "got a number with a fractional part, found 8.5",
        ),
        (
            "input = [8, 8, 8]",
            "input = [8, 8, 8]\nshape = 8",
            "exercise[block].case[1].shape: unknown key; remove it or check its spelling",
        ),
        (
            "points = { shape = 10 }",
            'points = { shape = 10 }\nstride_position = "anywhere"',
            "exercise[block].stride_position: input should be 'reference' or 'free', found 'anywhere'",
        ),
        (
            "points = { shape = 10 }",
            'points = { shape = 10 }\nshortcut_option = ["A", "D"]',
            "exercise[block].shortcut_option[1]: input should be 'A', 'B' or 'C', found 'D'",
        ),
        (
            "points = { shape = 10 }",
            "points = { shape = 10 }\nshortcut_option = []",
            "exercise[block].shortcut_option: list should have at least 1 item",
        ),
        (
            "points = { shape = 10 }",
            "points = { shape = 10 }\nactivation_after_add = true",
            "exercise[block].activation_after_add: input should be 'reference' or 'free', found True",
        ),
        (
            "points = { shape = 10 }",
            'points = { shape = 10 }\nconv_bias = "no"',
            "exercise[block].conv_bias: input should be 'free' or 'forbidden', found 'no'",
        ),
        (
            "points = { shape = 10 }",
            'points = { shape = 10 }\ncall = "keyword"',
            "exercise[block].call: input should be 'positional' or 'named', found 'keyword'",
        ),
        (
            "points = { shape = 10 }",
            'points = { shape = 10 }\naccept = ["block-class"]',
            "exercise[block].accept[0]: input should be 'any-order', 'any-names', 'downsample-flag', "
            "'downsample-module' or 'expansion', found 'block-class'",
        ),
        ('id = "net"', 'id = "block"', "file: exercise ids must differ, found block, block, words"),
        (
            "{ channels = 8, stride = 1 }",
            "{ stride = 1, channels = 8 }",
            "exercise block: case 'large': arguments: expected channels, stride in this order, "
            "as in the first case, found stride, channels",
        ),
        (
            "{ channels = 8, stride = 1 }",
            "{ stride = 1 }",
            "exercise block: case 'large': arguments: expected channels, stride in this order, "
            "as in the first case, found stride",
        ),
        (
            "{ channels = 4, stride = 1 }",
            "{ }",
            "exercise block: case 'large': arguments: expected none, as in the first case, found channels, stride",
        ),
        (
            "channels = 8",
            "channels = [8]",
            "exercise[block].case[1].arguments.channels: expected true, false, a number or a text, found [8]",
        ),
        (
            "points = { shape = 10 }",
            "points = { shape = inf }",
            "exercise[block].points.shape: input should be a finite number, found inf",
        ),
        (
            "input = [8, 8, 8]",
            "input = []",
            "exercise[block].case[1].input: list should have at least 1 item",
        ),
        (
            'name = "build"',
            'name = "build"\naliases = ["Block"]',
            "file: the name 'Block' belongs to both block and net",
        ),
        (
            "{ classes = 10 }",
            "{ outputs = 10 }",
            "exercise net: case 'ten': arguments: expected the argument 'classes', which `outputs` names",
        ),
        (
            "points = 2",
            "points = { words = 2 }",
            "exercise[words].points: input should be a valid number, found {",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    """Which key, in which exercise, and what belongs there: enough to mend it without the manual."""
    actual = refusal(tmp_path, replaced(old, new))
    assert actual.startswith(expected)
    assert len(actual.splitlines()) == len(expected.splitlines())


QUIZ = """
[[exercise]]
id = "colour"
kind = "choice"
title = "A colour"
task = "Which?"
name = "q_colour"
points = 2

[[exercise.option]]
id = "a"
text = "Red"
right = true

[[exercise.option]]
id = "b"
text = "Green"
explanation = "Not this one."

[[exercise]]
id = "sum"
kind = "predict"
title = "A sum"
task = "How many?"
name = "q_sum"
points = 2
value = 3
tolerance = 0.5

[[exercise.wrong]]
value = 5
explanation = "Too many."
"""


def test_questions_without_a_mistake_load(tmp_path: Path) -> None:
    """Beside code, or alone."""
    for spec, points in ((SPEC + QUIZ, 21), (SPEC.split("[[exercise]]")[0] + QUIZ, 4)):
        (tmp_path / "assignment.toml").write_text(spec, encoding="utf-8")
        assignment = load_assignment(tmp_path)
        assert assignment.max_score == points
        assert [each.id for each in assignment.quiz_exercises] == ["colour", "sum"]
        assert assignment.names[-2:] == ["q_colour", "q_sum"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'explanation = "Not this one."\n',
            "",
            "exercise[colour]: every wrong option needs an explanation of its own, missing for: b",
        ),
        (
            'explanation = "Not this one."',
            'explanation = " "',
            "exercise[colour]: every wrong option needs an explanation of its own, missing for: b",
        ),
        (
            "right = true",
            'explanation = "No."',
            "exercise[colour]: one option at least must be right: give it `right = true`",
        ),
        ('id = "b"', 'id = "a"', "exercise[colour]: every option needs its own id, found twice: a"),
        ('text = "Green"', 'text = "red"', "exercise[colour]: every option needs its own text, found twice: red"),
        (
            'text = "Green"',
            'tetx = "Green"',
            "exercise[colour].option[b].text: missing; this key is required\n"
            "exercise[colour].option[b].tetx: unknown key; remove it or check its spelling",
        ),
        ('task = "Which?"\n', "", "exercise[colour].task: missing; this key is required"),
        ('name = "q_colour"', 'name = "q colour"', "exercise[colour].name: string should match pattern"),
        (
            "value = 3",
            "value = true",
            "exercise[sum].value: expected a number, or a shape such as [1, 64, 32, 32], found True",
        ),
        (
            "value = 3",
            "value = nan",
            "exercise[sum].value: expected a number, or a shape such as [1, 64, 32, 32], found nan",
        ),
        (
            "value = 3",
            "value = [1, 2.5]",
            "exercise[sum].value: expected a number, or a shape such as [1, 64, 32, 32], found [1, 2.5]",
        ),
        (
            "value = 3",
            "value = [3]",
            "exercise[sum]: wrong: 5 is a number where the value is a shape, or the other way round",
        ),
        (
            "value = 5",
            "value = 3.5",
            "exercise[sum]: wrong: 3.5 cannot be told from the value or from another wrong one",
        ),
        (
            "tolerance = 0.5",
            "tolerance = -1",
            "exercise[sum].tolerance: input should be greater than or equal to 0, found -1",
        ),
        ('name = "q_sum"', 'name = "q_colour"', "file: the name 'q_colour' belongs to both colour and sum"),
        ('name = "q_sum"', 'name = "Block"', "file: the name 'Block' belongs to both block and sum"),
    ],
)
def test_a_mistake_in_a_question_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A wrong option without an explanation, a value that is none, a name that is taken."""
    assert old in QUIZ
    actual = refusal(tmp_path, SPEC + QUIZ.replace(old, new, 1))
    assert actual.startswith(expected)
    assert len(actual.splitlines()) == len(expected.splitlines())


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """One run of the command tells everything that pydantic finds."""
    spec = replaced("input = [4, 8, 8]", "input = []").replace('name = "build"', 'name = "build it"')
    keys = [line.split(": ")[0] for line in refusal(tmp_path, spec).splitlines()]
    assert keys == ["exercise[block].case[0].input", "exercise[net].name"]


def test_an_assignment_needs_an_exercise(tmp_path: Path) -> None:
    """Nothing to grade is a mistake, not a perfect score."""
    assert refusal(tmp_path, 'id = "demo"\ntitle = "Demo"') == "exercise: missing; this key is required"


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    """With the line and the column of the fault."""
    actual = refusal(tmp_path, 'id = "demo"\ntitle = Demo')
    assert actual.startswith("is not valid TOML: ")
    assert "line 2, column 9" in actual


def test_a_file_that_is_not_text_is_no_toml(tmp_path: Path) -> None:
    """TOML is UTF-8; Latin-1 is refused like any other fault of the file."""
    assert refusal(tmp_path, 'id = "démo"'.encode("latin-1")).startswith(
        "is not valid TOML: 'utf-8' codec can't decode"
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path that was looked for, and what the system said."""
    with pytest.raises(AssignmentError) as caught:
        load_assignment(tmp_path / "nowhere")
    path = tmp_path / "nowhere" / "assignment.toml"
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


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


# --- the manual ----------------------------------------------------------------------------------------

MANUAL = (Path(__file__).parent.parent / "docs" / "writing-assignments.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The manual's blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)


def test_the_manuals_example_is_an_assignment_that_works(tmp_path: Path) -> None:
    """It loads, and its reference is built and run in every case, as far as a reader would copy it."""
    (tmp_path / "assignment.toml").write_text(fenced("toml")[0], encoding="utf-8")
    namespace: dict[str, type[nn.Module]] = {}
    exec(fenced("python")[0], namespace)  # our own manual

    exercise = load_assignment(tmp_path).exercises[0]
    assert isinstance(exercise, ModuleExercise)
    assert exercise.reference == "reference:PreActBlock"
    for case in exercise.cases:
        block = namespace["PreActBlock"](*case.arguments.values())
        assert block(torch.zeros(2, *case.input)).shape == (2, *case.input)


SHOWN = [textwrap.dedent(found) for found in re.findall(r"^ *```toml\n(.*?)^ *```$", MANUAL, re.M | re.DOTALL)][1:]
RUBRICS = [fragment for fragment in SHOWN if "[[exercise.concept]]" in fragment]
FRAGMENTS = [fragment for fragment in SHOWN if fragment not in RUBRICS]


@pytest.mark.parametrize("fragment", [each for each in FRAGMENTS if "[[exercise]]" not in each])
def test_a_fragment_of_the_manual_is_accepted_in_an_exercise(tmp_path: Path, fragment: str) -> None:
    """Pasted into the worked example, it says what the manual says it does."""
    spec = fenced("toml")[0].replace('conv_bias = "forbidden"\n', fragment)
    (tmp_path / "assignment.toml").write_text(spec, encoding="utf-8")
    given = tomllib.loads(fragment)
    exercise = load_assignment(tmp_path).exercises[0]
    assert given == {key: getattr(exercise, key) for key in given}


@pytest.mark.parametrize("fragment", [each for each in FRAGMENTS if "[[exercise]]" in each])
def test_an_exercise_of_the_manual_is_accepted_in_an_assignment(tmp_path: Path, fragment: str) -> None:
    """Pasted below the worked example, it is one exercise more."""
    (tmp_path / "assignment.toml").write_text(fenced("toml")[0] + fragment, encoding="utf-8")
    exercises = load_assignment(tmp_path).exercises
    assert [each["id"] for each in tomllib.loads(fragment)["exercise"]] == [each.id for each in exercises[2:]]


@pytest.mark.parametrize("rubric", RUBRICS)
def test_a_rubric_of_the_manual_is_accepted_in_the_written_answer(tmp_path: Path, rubric: str) -> None:
    """Pasted below the worked example, whose last exercise is the written answer."""
    (tmp_path / "assignment.toml").write_text(f"{fenced('toml')[0]}\n{rubric}", encoding="utf-8")
    essay = load_assignment(tmp_path).exercises[-1]
    assert isinstance(essay, EssayExercise)
    assert [concept["id"] for concept in tomllib.loads(rubric)["exercise"]["concept"]] == [
        concept.id for concept in essay.concepts
    ]


@pytest.mark.parametrize(
    "model",
    [
        *(
            Assignment,
            Hints,
            Limits,
            Release,
            ModuleExercise,
            NetworkExercise,
            FunctionExercise,
            FunctionCase,
            Drawn,
            KnownFault,
        ),
        *(ExperimentExercise, Series, Claim, Bound),
        *(EssayExercise, Case, Concept, Misconception, ChoiceExercise, Option, PredictExercise, WrongValue),
    ],
    ids=lambda m: m.__name__,
)
def test_the_manual_names_every_key(model: type[BaseModel]) -> None:
    """A key that the spec has and the manual does not would never be found."""
    keys = {field.alias or name for name, field in model.model_fields.items() if not field.exclude}
    assert [key for key in sorted(keys) if f"`{key}`" not in MANUAL] == []


def test_the_manual_shows_a_message_as_it_is(tmp_path: Path) -> None:
    """The message quoted in the manual is the one that the example with this slip gives."""
    spec = fenced("toml")[0].replace('name = "PreActBlock"', 'name = "PreActBlock"\nnmae = "PreActBlock"')
    assert f"preact/assignment.toml: {refusal(tmp_path, spec)}\n" in MANUAL
