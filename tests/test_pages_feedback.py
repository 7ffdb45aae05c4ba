"""The feedback page: a golden copy, and beside it what must hold whatever the page looks like."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup, Tag
from pydantic import JsonValue
from test_formats_golden import golden
from test_formats_samples import (
    ANSWER,
    OPERATION_RAISED,
    RUN,
    SAMPLES,
    ended,
    exercise,
    failed,
    failing,
    passed,
    report,
    right,
    unreadable,
)

from grader.assignment import Hints
from grader.formats import Run
from grader.formats._excerpt import place
from grader.formats._feedback import feedback_page
from grader.formats._notebook import notebook_page
from grader.formats._text import said
from grader.formats._values import Comparison, Table, compare
from grader.hints import without_last_hints
from grader.verdict import Diagnosis, Proof, Report, Status, SubmissionStatus

NOON = datetime(2026, 12, 1, 12, tzinfo=timezone(timedelta(hours=1)))


def parsed(name: str) -> tuple[Report, BeautifulSoup]:
    made, handed_in = SAMPLES[name]()
    return made, BeautifulSoup(feedback_page(RUN, made, handed_in), "html.parser")


def text_of(page: BeautifulSoup | Tag) -> str:
    return " ".join(page.get_text(" ").split())


@pytest.mark.parametrize("name", ["right", "failing", "unreadable"])
def test_golden(name: str) -> None:
    """The page does not change unless somebody means it; its style may."""
    page = feedback_page(RUN, *SAMPLES[name]())
    golden(f"feedback-{name}.html", re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_points_shown_add_up(name: str) -> None:
    """Every check is on the page once, and their points make the score at its top."""
    made, page = parsed(name)
    shown = page.select("[data-score]")
    assert sum(len(part.checks) for part in made.exercises) == len(shown)
    assert made.score == sum(float(str(element["data-score"])) for element in shown)
    total = page.select_one(".total strong")
    assert total is not None
    assert f"{made.score:g} of {made.max_score:g} points" == total.text
    for part, section in zip(made.exercises, page.select("section.exercise"), strict=True):
        inside = [float(str(element["data-score"])) for element in section.select("[data-score]")]
        assert part.score == sum(inside)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_links_within_the_page_have_their_target_once(name: str) -> None:
    """Ids differ, and every `#link` and every label names one."""
    _, page = parsed(name)
    ids = [str(element["id"]) for element in page.select("[id]")]
    assert len(set(ids)) == len(ids)
    wanted = [str(a["href"])[1:] for a in page.select('a[href^="#"]')]
    wanted += [str(element["aria-labelledby"]) for element in page.select("[aria-labelledby]")]
    assert wanted
    assert set(wanted) <= set(ids)


@pytest.mark.parametrize("name", ["right", "failing", "crashed", "broken_grader", "hostile"])
def test_links_between_feedback_and_notebook_have_their_target(name: str) -> None:
    """A finding leads to its cell, and the cell leads back to the finding."""
    made, handed_in = SAMPLES[name]()
    assert handed_in is not None
    pages = {
        f"../students/{made.student}.html": BeautifulSoup(feedback_page(RUN, made, handed_in), "html.parser"),
        f"../notebooks/{made.student}.html": BeautifulSoup(notebook_page(RUN, made, handed_in), "html.parser"),
    }
    for page in pages.values():
        links = [str(a["href"]) for a in page.select('a[href^="../"]')]
        assert links
        for link in links:
            file, _, anchor = link.partition("#")
            assert not anchor or pages[file].find(id=anchor), link


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_headings_leave_out_no_level_and_landmarks_are_there(name: str) -> None:
    """Who listens to the page finds their way by headings and landmarks."""
    _, page = parsed(name)
    levels = [int(h.name[1]) for h in page.find_all(re.compile(r"^h[1-6]$")) if not h.find_parent(class_="answer")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.find("main") is not None
    assert page.find("footer") is not None
    assert page.html is not None
    assert page.html["lang"] == "en"


def test_no_status_is_told_by_colour_alone() -> None:
    """Beside every sign stands a word."""
    for name in SAMPLES:
        _, page = parsed(name)
        for status in page.select(".status"):
            sign = status.select_one(".sign")
            assert sign is not None
            assert sign["aria-hidden"] == "true"
            assert status.get_text().removeprefix(sign.get_text()).strip()


def in_order(page: BeautifulSoup | Tag, *words: str) -> bool:
    """Does the first place of each stand behind the first place of the one before?"""
    text = text_of(page)
    return list(words) == sorted(words, key=text.index)


def test_what_is_right_comes_first_then_what_to_fix_then_the_exercises() -> None:
    """A student reads first what they can do, then what helps most."""
    _, page = parsed("failing")
    assert in_order(page, "35 of 100 points", "What is right", "What to fix first", "All exercises", "How it shows")


def test_the_cause_comes_before_the_checks_that_fail_by_it() -> None:
    """Within an exercise: what is right, the one thing that explains the rest, and how it shows."""
    _, page = parsed("failing")
    section = page.select_one("section.exercise")
    assert section is not None
    assert in_order(
        section,
        "What is right",
        "Shape",
        "What to fix",
        "The shortcut is multiplied",
        "Proven:",
        "Why it matters",
        "Hint 1: the idea behind it",
        "Hint 2: where to look",
        "Hint 3: what to change",
        "How it shows",
        "Parameters",
    )


def test_what_to_fix_first_is_in_order_and_leads_to_the_findings() -> None:
    """Proven causes, then checks that nothing explains, then what was only reported; nothing twice."""
    _, page = parsed("failing")
    links = page.select("ol.steps > li > a:first-child")
    assert [
        ("#exercise-1-mistake-1", "The shortcut is multiplied with the branch."),
        ("#exercise-2-check-2", "Gradient: RuntimeError: Given groups=1, weight of size [32, 16, 3, 3]"),
        ("#exercise-2-mistake-1", "The second block of stage 2 is built for 16 channels but gets 32."),
    ] == [(str(link["href"]), text_of(link).partition(", expected")[0]) for link in links]


def test_a_check_that_fails_by_a_mistake_points_to_it_and_repeats_nothing() -> None:
    """One mistake is told once."""
    _, page = parsed("failing")
    explained = page.select("#exercise-1 article.finding:not(.cause)")
    assert 3 == len(explained)
    for article in explained:
        assert "#exercise-1-mistake-1" in [a["href"] for a in article.select(".because a")]
        assert not article.select(".why, .rung, .next")
        because = article.select(".because")[-1].get_text()
        assert "Why it fails is told at “The shortcut is multiplied with the branch”." == because  # as is said there


def test_a_mistake_in_two_exercises_is_one_step_and_explained_once() -> None:
    """The second place names the first."""
    mistake = failing()[0].exercises[0].diagnoses[0]
    parts = [exercise(id_, [failed("gradient", 10, f"In {id_}.")], mistake) for id_ in ("resblock", "network")]
    page = BeautifulSoup(feedback_page(RUN, report("x", parts), None), "html.parser")
    (step,) = page.select("ol.steps > li")
    assert ["#exercise-1-mistake-1", "#exercise-2-mistake-1"] == [str(a["href"]) for a in step.select("a")]
    assert 1 == len(page.select(".why"))
    told = page.select_one("#exercise-2-mistake-1 .because a")
    assert told is not None
    assert "#exercise-1-mistake-1" == told["href"]


def test_a_cause_is_named_in_words_with_its_code_as_code() -> None:
    """No id of a mistake, and no sentence in the place of a name."""
    cause = Diagnosis(mistake="unfinished", proof=Proof.MEASURED, message="There is `pass`. Write it.", explains=True)
    parts = [exercise("resblock", [failed("shape", 10, "It raises.")], cause)]
    page = BeautifulSoup(feedback_page(RUN, report("x", parts), None), "html.parser")
    because = page.select(".because")[0]
    assert "Why it fails is told at “There is pass”." == because.get_text()
    assert "pass" == because.select("a code")[0].get_text()


def test_a_check_that_could_not_be_measured_points_to_the_one_that_says_why() -> None:
    """What stops everything is one thing to fix, and not four."""
    parts = [
        failed("shape", 10, "ResBlock is not defined.", lesson=OPERATION_RAISED),
        failed("gradient", 10, "Not measured.", follows="shape"),
        failed("skip-connection", 10, "Not measured.", follows="shape"),
    ]
    page = BeautifulSoup(feedback_page(RUN, report("x", [exercise("resblock", parts)]), None), "html.parser")
    assert 1 == len(page.select("ol.steps > li"))
    assert ["#exercise-1-check-1"] * 2 == [str(a["href"]) for a in page.select(".because a")]
    assert "Why it fails is told at “Shape”." == page.select(".because")[0].get_text()


def test_a_last_hint_that_is_held_back_is_nowhere_on_the_page() -> None:
    """Not even hidden; and the page says from when it will be shown."""
    made, handed_in = failing()
    run = replace(RUN, assignment=RUN.assignment.model_copy(update={"hints": Hints(last_from=NOON)}))
    open_, held = (feedback_page(run, each, handed_in) for each in (made, without_last_hints(made)))
    secrets = ("Make it a plus", "Change the layer or the tensor", "Give each block the number of channels")
    assert all(secret in open_ for secret in secrets[:2])
    assert not any(secret in held for secret in secrets)
    assert "Look at the sign between branch and shortcut" in held
    said = BeautifulSoup(held, "html.parser").select("p.rung time")
    assert ["2026-12-01 12:00 (UTC+01:00)"] * 2 == [text_of(each) for each in said]
    assert not BeautifulSoup(open_, "html.parser").select("p.rung")


def test_the_line_that_is_meant_is_marked_in_the_students_own_source() -> None:
    """The excerpt is the student's, and one line of it is marked, by more than colour."""
    _, page = parsed("failing")
    marked = page.select_one(".cause .lines .meant")
    assert marked is not None
    assert "→21return torch.relu(out * self.shortcut(x))  # the skip connection" == marked.text.rstrip()


def test_the_same_lines_are_shown_once_an_exercise() -> None:
    """The check that a proven cause explains names the place; the source stands above."""
    _, page = parsed("failing")
    section = page.select_one("section.exercise")
    assert section is not None
    assert ["cell 2, line 21", "cell 2, line 16", "cell 2, line 21"] == [a.text for a in section.select(".where a")]
    assert len(section.select(".lines")) == 2


def test_a_check_that_passed_shows_no_comparison_and_is_not_found_in_the_notebook() -> None:
    """What agrees needs no table, and no mark at a cell."""
    both = {"expected": [1], "actual": [1], "cell": 1, "line": 1}
    _, handed_in = failing()
    good = report("x", [exercise("resblock", [passed("shape", 10, "m", **both)])])
    bad = report("x", [exercise("resblock", [failed("shape", 10, "m", **both)])])
    assert [False, True] == ["Your code" in feedback_page(RUN, one, handed_in) for one in (good, bad)]
    assert [False, True] == ["at-cell" in _body(notebook_page(RUN, one, handed_in)) for one in (good, bad)]


def _body(page: str) -> str:
    return page.partition("<body>")[2]


def test_the_notebook_names_only_lines_that_are_there() -> None:
    """What the child reports may be anything."""
    part = failed("shape", 10, "m", cell=2, line=10**12)
    page = notebook_page(RUN, report("x", [exercise("resblock", [part])]), failing()[1])
    assert "line 21<" in page
    assert str(10**12) not in page


@pytest.mark.parametrize(("line", "meant"), [(21, 21), (1, 1), (0, 1), (-7, 1), (10**12, 21)])
def test_a_line_outside_of_the_cell_is_taken_for_the_nearest(line: int, meant: int) -> None:
    """What the child reports may be anything."""
    found = place(failing()[1], 2, line)
    assert found is not None
    assert [meant] == [shown.number for shown in found.lines if shown.meant]


@pytest.mark.parametrize("cell", [0, -1, 4, 10**12])
def test_a_cell_that_is_not_there_is_named_without_source_or_link(cell: int) -> None:
    """Neither an exception nor somebody else's cell."""
    found = place(failing()[1], cell, 1)
    assert found is not None
    assert (found.lines, found.linked) == ([], False)


def test_an_answer_is_rendered_and_its_points_are_pending() -> None:
    """Markdown as the student meant it; a human marks it, and the page says so."""
    made, page = parsed("right")
    answer = page.select_one(".answer")
    assert answer is not None
    assert "H(x) = F(x) + x" in answer.get_text()
    assert answer.find("table") is not None
    assert len(ANSWER.split("|")) > 3
    assert "A human marks this" in page.get_text()
    assert made.pending == 10
    assert "10 pending: a human marks them" in page.get_text()


def test_a_missing_answer_is_said() -> None:
    """Silence would look like a lost answer."""
    assert "No answer was found in the notebook." in parsed("failing")[1].get_text()


def test_an_unreadable_file_has_a_page_without_links_to_a_notebook() -> None:
    """There is no notebook page to lead to."""
    page = feedback_page(RUN, *unreadable())
    assert "it ends in the middle of cell 7" in page
    assert "notebooks/" not in page


@pytest.mark.parametrize("status", list(SubmissionStatus))
def test_every_status_but_graded_is_explained(status: SubmissionStatus) -> None:
    """The student learns what happened, and the grader's own words about it."""
    page = BeautifulSoup(feedback_page(RUN, report("x", [], status=status, message="Why."), None), "html.parser")
    alert = page.select_one("section.alert")
    if status is SubmissionStatus.GRADED:
        assert alert is None
    else:
        assert alert is not None
        assert "Why." in alert.get_text()
        assert len(alert.get_text().split()) > 15


@pytest.mark.parametrize("status", [Status.GRADER_BROKE, Status.SKIPPED])
def test_a_check_that_was_not_judged_is_not_among_what_to_fix(status: Status) -> None:
    """The grader's fault is never shown as the student's."""
    part = exercise("resblock", [passed("shape", 10, "ok"), ended("gradient", status, 30, "Not judged.")])
    text = text_of(BeautifulSoup(feedback_page(RUN, report("x", [part]), None), "html.parser"))
    assert "What to fix" not in text
    assert "30 pending: a human marks them" in text


@pytest.mark.parametrize(
    ("isolation", "said"),
    [
        ("bwrap", "Behind the full wall"),
        ("landlock", "weaker wall"),
        ("none", "Without any isolation"),
        ("other", "Isolation: other."),
    ],
)
def test_isolation_is_said_plainly(isolation: str, said: str) -> None:
    """Anything but the full wall is marked as such."""
    run = Run(RUN.assignment, seed=7, isolation=isolation, device="cuda", grader_version="9.9")
    page = BeautifulSoup(feedback_page(run, *right()), "html.parser")
    footer = page.find("footer")
    assert isinstance(footer, Tag)
    assert said in footer.get_text()
    assert (isolation != "bwrap") == ("alert" in (footer["class"]))
    for fact in ("cuda", "7", "9.9", "residual-blocks"):
        assert fact in footer.get_text()


def test_dictionaries_are_compared_row_by_row() -> None:
    """What differs is marked, and a key that one side lacks differs."""
    both = compare({"a": 1, "b": 2.0}, {"a": 1, "b": 3.0, "c": None})
    assert both == Comparison(
        both=Table(
            ["", "Expected", "Your code"],
            [["a", "1", "1"], ["b", "2", "3"], ["c", "-", "None"]],
            frozenset({1, 2}),
        )
    )


def test_values_of_any_size_and_depth_stay_small() -> None:
    """Expected and actual may be whole tensors; differences come first."""
    deep: JsonValue = 1
    for _ in range(200):
        deep = [deep]
    wide: dict[str, JsonValue] = {f"k{i}": i for i in range(1000)}
    assert compare(list(range(50)), deep) == Comparison(
        expected="[" + ", ".join(map(str, range(40))) + ", …]", actual="[[[[…]]]]"
    )
    shown = compare(wide, {**wide, "k999": 0})
    assert shown is not None
    assert shown.both is not None
    assert shown.both.rows[0] == ["k999", "999", "0"]
    assert (len(shown.both.rows), shown.both.left_out) == (40, 960)
    for value in (deep, "x" * 10**6, list(range(10**6)), [{str(i): i for i in range(100)}] * 100):
        part = failed("shape", 10, "m", expected=value, actual=[value])
        page = feedback_page(RUN, report("x", [exercise("resblock", [part])]), None)
        assert len(page) < 40_000


def test_nothing_to_compare_shows_nothing() -> None:
    """A check without values has no empty boxes."""
    assert compare(None, None) is None
    assert Comparison(expected="0", actual="[0, 1.5]") == compare(-0.0, [-0.0, 1.5])
    part = failed("shape", 10, "m")
    page = feedback_page(RUN, report("x", [exercise("resblock", [part])]), None)
    assert 'class="sides"' not in page
    assert 'class="scroll"' not in page


def test_code_is_shown_as_code_wherever_a_finding_is_told() -> None:
    """Backticks are for whoever writes the words: nobody reads them, not in a heading and not in a link."""
    check = failed("shape", 40, "`forward` returns `None`.", advice="End it with `return`.", notes=["See `nn.Module`."])
    mistake = Diagnosis(
        mistake="unfinished", proof=Proof.MEASURED, message="The skeleton's `pass` is still there. Go on."
    )
    page = BeautifulSoup(
        feedback_page(RUN, report("ada", [exercise("resblock", [check], mistake)]), None), "html.parser"
    )
    assert "`" not in page.get_text()
    assert {"forward", "None", "pass", "nn.Module"} <= {code.get_text() for code in page.select("code")}
    assert page.select_one(".steps a code") is not None
    assert page.select_one("h4 code") is not None


def test_what_stands_between_backticks_is_escaped() -> None:
    """A message may hold a student's words."""
    assert "<code>&lt;b&gt;</code> and ` alone" == str(said("`<b>` and ` alone"))


def test_pending_points_are_not_called_lost() -> None:
    """`0 of 10` stands at what was judged, and only there."""
    _, page = parsed("right")
    left = page.select_one("article.open .points")
    assert left is not None
    assert "10 points pending" == left.get_text()


def test_the_only_exercise_is_not_listed_by_itself() -> None:
    """A list of one says nothing that does not stand below it."""
    for exercises, listed in (
        ([exercise("resblock", [passed("shape", 40, "Right.")])], False),
        (right()[0].exercises, True),
    ):
        page = BeautifulSoup(feedback_page(RUN, report("ada", exercises), None), "html.parser")
        assert listed == (page.find(id="all") is not None)


def test_a_note_is_no_warning_as_well() -> None:
    """What stands at its check is not told once more at the end of the page; other warnings are."""
    noted = exercise("resblock", [passed("shape", 40, "Right.", notes=["It costs nothing."])])
    made = report("ada", [noted], warnings=["resblock: It costs nothing.", "Cell 3 was not run."])
    page = BeautifulSoup(feedback_page(RUN, made, None), "html.parser")
    assert 1 == page.get_text().count("It costs nothing.")
    assert ["Warning: Cell 3 was not run."] == [
        line.get_text() for line in page.select("section[aria-labelledby=skipped] li")
    ]
