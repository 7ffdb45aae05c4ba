"""The card of a check, and which exercise of which assignment it is about."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nh3
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_notebook

from grader.assignment import find_assignment, shipped_assignments
from grader.errors import UsageError
from grader.notebook.card import Card
from grader.notebook.choose import choose
from grader.submission import Cell, Submission
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Status

SOURCE = "class ResBlock:\n    def forward(self, x):\n        return self.branch(x) * x\n"


def made(message: str = "It differs.", status: Status = Status.FAILED, actual: Any = None) -> Card:
    """The card of a report with one right check and one other."""
    assignment = find_assignment("residual-blocks")
    exercise = assignment.exercises[0]
    checks = [
        CheckResult(id="shape", title="Shape", status=Status.PASSED, score=10, max_score=10, message="As asked."),
        CheckResult(
            id="skip", title="Skip", status=status, score=0, max_score=10, message=message, advice="Add `x` to it.",
            expected={"weight": 3, "bias": 1}, actual=actual or {"weight": 3, "bias": 2}, cell=2, line=3,
            evidence=["one", "two"],
        ),
    ]  # fmt: skip
    cause = Diagnosis(mistake="shortcut-multiplied", proof=Proof.REPLAYED, message="You multiply.", cell=2, line=3)
    report = ExerciseReport.of(exercise, checks, [cause] if status is Status.FAILED else [])
    cells = [Cell(1, "code", "import torch"), Cell(2, "code", SOURCE)]
    executed = Submission("you", "this notebook", cells, new_notebook(), [], [], None)
    return Card.of(report, assignment, executed, "ResBlock", 2, "")


def test_a_card_reads_from_right_to_wrong_to_what_it_is_not() -> None:
    """What is right, the cause with its line, what differs, and that no mark was made."""
    order = [
        "The basic residual block: Something to fix",
        "1 of 2 checks passed: ResBlock as In [2] defined it, exercise resblock of residual-blocks",
        "Shape",
        "You multiply.",
        "In [2], line 3",
        "return self.branch(x) * x",
        "It differs.",
        "Add",
        "This is a self-check: it hands nothing in.",
    ]
    for text in (str(made()), BeautifulSoup(made()._repr_html_(), "html.parser").text):
        places = [text.index(words) for words in order]
        assert sorted(places) == places


def test_a_card_needs_no_style_and_no_script() -> None:
    """Where a notebook sanitises what is shown, the same words are left, in the same order."""
    whole = made()._repr_html_()
    plain = nh3.clean(whole, attributes={})
    assert "style" not in plain
    assert BeautifulSoup(whole, "html.parser").text.split() == BeautifulSoup(plain, "html.parser").text.split()
    assert [] == BeautifulSoup(whole, "html.parser").select("script, style, link, [class], [id]")


def test_text_takes_the_colour_of_the_page() -> None:
    """A colour of its own is for signs and bars alone, which stand out on white and on black at 3 to 1 or more."""
    page = BeautifulSoup(made()._repr_html_(), "html.parser")
    coloured = [each for each in page.select("[style*='color:#']") if "border-left" not in each["style"]]
    assert coloured
    assert all("true" == each["aria-hidden"] and len(each.text) == 1 for each in coloured)
    for name in ("#2da44e", "#e5534b", "#bf8700"):
        for background in (1.0, 0.0056):  # white, and JupyterLab's #111
            light, dark = sorted([luminance(name), background], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, name


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_card_says_nothing_in_the_words_of_marking() -> None:
    """What could not be checked is not `not marked yet`: nobody will mark a self-check."""
    card = made(status=Status.SKIPPED)
    assert "Not all of it could be checked" in str(card)
    assert "could be checked" in card._repr_html_()
    assert "marked" not in card._repr_html_().replace("mark is made", "")
    assert not card.correct


def test_lines_keep_their_indentation() -> None:
    """It is Python."""
    (shown,) = BeautifulSoup(made()._repr_html_(), "html.parser").select("pre")
    expected = [
        "    1  class ResBlock:",
        "    2      def forward(self, x):",
        "→   3          return self.branch(x) * x",
    ]
    assert expected == shown.text.rstrip().split("\n")
    assert "    →   3         return self.branch(x) * x\n" in str(made())


def test_a_card_shows_values_side_by_side() -> None:
    """Rows that differ are told by a sign too."""
    rows = [
        [cell.text for cell in row.select("td")]
        for row in BeautifulSoup(made()._repr_html_(), "html.parser").select("tr")
    ]
    assert [["weight", "3", "3"], ["bias", "1", "2 ≠"]] == rows[1:]


def test_hostile_text_is_text() -> None:
    """Also between backticks, and what nobody sees."""
    page = made("`<script>` <img src=x> \u202e `<b onclick=x>`")._repr_html_()
    assert [] == BeautifulSoup(page, "html.parser").select("script, img, b, [onclick]")
    assert "<code>&lt;script&gt;</code>" in page
    value = made(actual="<script>alert(1)</script>")._repr_html_() + made(actual={"<img src=x>": 1})._repr_html_()
    assert [] == BeautifulSoup(value, "html.parser").select("script, img")
    assert "\u202e" not in page + str(made("\u202e"))


@pytest.mark.parametrize(
    ("exercise", "names", "assignment", "named", "wanted"),
    [
        ("resblock", [], None, None, ("residual-blocks", "resblock")),
        ("resblock", [], None, "hackathon-5", ("hackathon-5", "resblock")),
        ("resblock", [], "hackathon-5", "residual-blocks", ("hackathon-5", "resblock")),
        ("ResBlock", [], None, None, ("residual-blocks", "resblock")),
        (None, ["ResBlock"], None, None, ("residual-blocks", "resblock")),
        (None, ["_Inner", "res_block"], None, None, ("residual-blocks", "resblock")),
        # Asked in words elsewhere; code comes first.
        ("bottleneck", [], None, None, ("residual-blocks", "bottleneck")),
        ("plain", [], None, None, ("degradation", "plain")),
    ],
)  # fmt: skip
def test_the_exercise_is_found(
    exercise: str | None, names: list[str], assignment: str | None, named: str | None, wanted: tuple[str, str]
) -> None:
    """By id or by name; in the assignment that was named, that the notebook names, or that alone asks for it."""
    home, found = choose(exercise, names, assignment, named)
    assert wanted == (home.id, found.id)


@pytest.mark.parametrize(
    ("exercise", "names", "assignment", "said"),
    [
        ("nothing", [], None, "No assignment here asks for 'nothing'."),
        ("botleneck", [], "residual-blocks", "Did you mean bottleneck?"),
        ("cifar-block", [], None, "has to be named asks for 'cifar-block': cifar-resnet."),
        ("output-shape", [], None, "read from its file: save it, and run `grader check` on it"),
        ("skip", [], "residual-ideas", "is answered in the notebook itself"),
        (None, [], None, "has no name"),
        (None, ["Nonesuch"], None, "No assignment here asks for Nonesuch."),
        (None, ["ResBlock", "Bottleneck"], "residual-blocks", "may answer resblock or bottleneck"),
        ("resblock", [], "nowhere", "there is no assignment 'nowhere'"),
    ],
)  # fmt: skip
def test_what_is_not_found_is_told_with_what_to_do(
    exercise: str | None, names: list[str], assignment: str | None, said: str
) -> None:
    """Never a guess."""
    with pytest.raises(UsageError) as error:
        choose(exercise, names, assignment, None)
    assert said in str(error.value)


def test_of_several_assignments_that_ask_one_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message lists them."""
    other = tmp_path / "another"
    shutil.copytree(shipped_assignments()["residual-blocks"], other, ignore=shutil.ignore_patterns("examples"))
    spec = other / "assignment.toml"
    spec.write_text(spec.read_text("utf-8").replace('id = "residual-blocks"', 'id = "another"'), "utf-8")
    both = {"another": other, "residual-blocks": shipped_assignments()["residual-blocks"]}
    monkeypatch.setattr("grader.notebook.choose.shipped_assignments", lambda: both)
    with pytest.raises(UsageError, match="Several assignments ask for 'resblock': another, residual-blocks"):
        choose("resblock", [], None, None)
    assert "another" == choose("resblock", [], str(other), None)[0].id


def test_an_assignment_without_its_reference_is_told(tmp_path: Path) -> None:
    """A course may keep the solution to itself: then nothing can be checked, which is nobody's mistake."""
    from grader import check

    home = tmp_path / "secret"
    shutil.copytree(shipped_assignments()["gradient-flow"], home, ignore=shutil.ignore_patterns("examples", "flow.py"))

    def gradient_norms() -> None: ...

    card = check(gradient_norms, assignment=str(home))
    assert card.report is None
    assert "there is no flow.py" in str(card)
    assert "If your course keeps the solution to itself, it cannot be checked here" in str(card)
