"""A spec with a mistake is refused in words that help: the file, the key, and what was expected there."""

from __future__ import annotations

from pathlib import Path

import pytest
from specs import SPEC, refusal, replaced

from grader.assignment import find_assignment, load_assignment
from grader.errors import AssignmentError


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
            "exercise[block].conv_bias: input should be 'free', 'reference' or 'forbidden', found 'no'",
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
            "'downsample-module', 'expansion' or 'two-widths', found 'block-class'",
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
            "input = [8, 8, 8]",
            'input = [8, 8, 8]\nconfirm = "sizes"',
            "exercise[block]: case 'large': confirm: sizes alone are for networks; expected true or false",
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
