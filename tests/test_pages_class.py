"""The page of the class: who needs a human first, everybody once, what goes wrong, and memory that stays flat."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats_samples import ASSIGNMENT, RUN, SAMPLES, ended, essay, exercise, failed, passed, report

from grader.assignment import find_assignment
from grader.checks import checks
from grader.formats import Run
from grader.formats._class.attention import Kinds, Reason, reasons
from grader.formats._class.phrases import PHRASES, singular
from grader.formats._class_page import write_class_page
from grader.formats._class_words import CODE_TITLE
from grader.formats.html import Html
from grader.mistakes import mistakes
from grader.submission import Cell, Submission, asks_where_it_runs
from grader.verdict import Diagnosis, Proof, Report, Status, SubmissionStatus


def page_of(reports: Iterable[Report], run: Run = RUN) -> BeautifulSoup:
    stream = StringIO()
    write_class_page(stream, run, reports)
    return BeautifulSoup(stream.getvalue(), "html.parser")


def samples() -> list[Report]:
    """As they come back from disk: without what only the students' pages show."""
    made = [Report.model_validate_json(sample()[0].model_dump_json()) for sample in SAMPLES.values()]
    return sorted(made, key=lambda one: one.student)


def named(mistake: str, message: str = "It is wrong.") -> Diagnosis:
    return Diagnosis(mistake=mistake, proof=Proof.REPLAYED, message=message)


def multiplied(student: str, message: str = "You multiply. A residual block adds.") -> Report:
    """A student who multiplies, and fails one check by it."""
    checks = [passed("shape", 10, ""), failed("gradient", 10, "It differs.")]
    return report(student, [exercise("resblock", checks, named("shortcut-multiplied", message))])


def words(element: Tag) -> str:
    return " ".join(element.get_text(" ").split())


def test_everybody_is_there_once_and_their_points_add_up() -> None:
    """The rows are the reports."""
    rows = page_of(samples()).select("tr:has([data-score])")
    assert len(samples()) == len(rows)
    assert sum(one.score for one in samples()) == sum(
        float(str(cell["data-score"])) for row in rows for cell in row.select("[data-score]")
    )
    for one in samples():
        assert sum(one.student == bdi.text for row in rows for bdi in row.select("a bdi")) == 1


def test_long_lists_are_whole() -> None:
    """Rows and links are written in pieces: none is lost, none comes twice, and each is in order."""
    made = [multiplied(f"s{number:03}") for number in range(130)]
    page = page_of(made)
    names = [one.student for one in made]
    assert names == [bdi.text for bdi in page.select("tr:has([data-score]) a bdi")]
    assert names == [bdi.text for bdi in page.select("article.group bdi")]
    assert names == [bdi.text for bdi in page.select(".by-score bdi")]
    assert "90 more: in the groups below" in words(page)  # of the mistake only the first are named


def test_who_needs_a_human_comes_first() -> None:
    """Two tables, and why somebody is in the first."""
    page = page_of(samples())
    titles = [h2.text for h2 in page.select("h2")]
    assert titles.index("Look at these first (4)") < titles.index("Everybody else (2)")
    first = page.select("section:has(> h2:-soup-contains('Look at these first')) a bdi")
    assert [bdi.text for bdi in first] == ["barbara", "linus", "mallory", "margaret"]
    assert "10 points could not be judged" in page.get_text()


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (report("x", [exercise("resblock", [passed("shape", 10, "")])]), []),
        (report("x", [essay()]), [(Reason.TO_MARK, 10)]),
        (report("x", [exercise("resblock", [ended("shape", Status.SKIPPED, 10, "")])]), [(Reason.NOT_JUDGED, 10)]),
        (report("x", [exercise("resblock", [ended("shape", Status.GRADER_BROKE, 7, "")])]), [(Reason.CHECK_BROKE, 7)]),
        (report("x", [exercise("resblock", [ended("shape", Status.STUDENT_CRASHED, 10, "")])]), []),
        (report("x", [], status=SubmissionStatus.TIMED_OUT), [(Reason.TIMED_OUT, 0)]),
        (report("x", [essay()], status=SubmissionStatus.CRASHED), [(Reason.CRASHED, 0), (Reason.TO_MARK, 10)]),
        (
            report(
                "x",
                [exercise("resblock", [ended("shape", Status.GRADER_BROKE, 10, "")])],
                status=SubmissionStatus.GRADER_BROKE,
            ),
            [(Reason.GRADER_BROKE, 10)],
        ),
    ],
)
def test_reasons_to_look(made: Report, wanted: list[tuple[Reason, float]]) -> None:
    """Each once, the most urgent first, with the points that hang on it."""
    assert wanted == [(look.reason, look.points) for look in reasons(Kinds(ASSIGNMENT), made)]


def test_a_rubric_leaves_the_rest_to_read_and_a_question_what_it_cannot_read() -> None:
    """Open points of an essay with concepts, and of a quiz, have words of their own."""
    for assignment, wanted in (("residual-blocks", Reason.PARTLY_READ), ("residual-quiz", Reason.NOT_READ)):
        spec = find_assignment(assignment)
        kinds = Kinds(spec)
        id = next(iter(kinds.rubric or kinds.quiz))
        assert wanted is kinds.reason(id, Status.SKIPPED)
        assert kinds.reason(id, Status.PASSED) is None


def test_code_that_asks_where_it_runs_is_to_be_looked_at() -> None:
    """By the warning that the report has of it."""
    cells = [Cell(1, "code", "import inspect\ninspect.stack()")]
    warnings = asks_where_it_runs(Submission("x", "x.ipynb", cells, None, [], [], None))
    assert len(warnings) == 1
    looks = reasons(Kinds(ASSIGNMENT), report("x", [], warnings=warnings))
    assert [Reason.ASKS_WHERE_IT_RUNS] == [look.reason for look in looks]


def test_every_reason_is_told_with_everybody_it_is_about() -> None:
    """The card on top has a line for each, and links."""
    page = page_of(samples())
    told = {words(li).split(" : ")[0]: [bdi.text for bdi in li.select("bdi")] for li in page.select(".reasons > li")}
    assert ["margaret"] == told["! Could not be read"]
    assert ["linus", "mallory"] == told["! Crashed"]
    assert ["barbara", "mallory"] == told["? The grader failed on a check"]


def test_a_mistake_is_told_as_a_sentence() -> None:
    """Of how many, in words, with its id; one student has a verb of their own."""
    right = report("zoe", [exercise("resblock", [passed("shape", 20, "")])])
    text = words(page_of([multiplied("a"), multiplied("b"), right]))
    assert "2 of 3 multiply branch and shortcut instead of adding them shortcut-multiplied" in text
    assert "1 of 2 multiplies branch and shortcut" in words(page_of([multiplied("a"), right]))
    unheard = exercise("resblock", [failed("shape", 10, "")], named("never-heard-of", "Nobody knows. It is new."))
    assert "1 of 1 : nobody knows never-heard-of" in words(page_of([report("x", [unheard])]))


def test_one_comment_for_all_of_a_group_and_nothing_of_one_alone() -> None:
    """What several were told, and a way to see it; never a name out of one student's code."""
    page = page_of(
        [multiplied(name, f"You multiply. Your `{name}_secret` does. A residual block adds.") for name in "abc"]
    )
    (comment,) = (words(each) for each in page.select(".copy"))
    assert comment.startswith("The basic residual block: you multiply. A residual block adds. To see it for yourself: ")
    assert "secret" not in page.get_text()


def test_a_group_has_the_same_mistakes_and_the_same_failed_checks() -> None:
    """One more failed check, or one more mistake, is another group; a check that is only pending is none."""
    more = [failed("shape", 10, ""), failed("gradient", 10, "")]
    pending = [ended("shape", Status.SKIPPED, 10, ""), failed("gradient", 10, "")]
    one, other = named("shortcut-multiplied"), named("bn-missing")
    made = [multiplied("a"), multiplied("b"), report("c", [exercise("resblock", pending, one)])]
    made += [report(name, [exercise("resblock", more, one)]) for name in "de"]
    made += [
        report(name, [exercise("resblock", more, *both)]) for name, both in (("f", [one, other]), ("g", [other, one]))
    ]
    groups = [[bdi.text for bdi in group.select("bdi")] for group in page_of(made).select("article.group")]
    assert [["a", "b", "c"], ["d", "e"], ["f", "g"]] == groups


def test_an_essays_comment_is_the_instructors_reply() -> None:
    """It quotes nobody."""
    run = Run(find_assignment("residual-blocks"), 0, "bwrap", "cpu")
    quoted = named("against-overfitting", "You write “my own words”. It is not meant against overfitting.")
    made = [report(name, [exercise("essay", [ended("deeper", Status.SKIPPED, 2, "")], quoted)]) for name in "ab"]
    page = page_of(made, run)
    assert "my own words" not in page.get_text()
    (comment,) = (words(each) for each in page.select(".copy"))
    assert "It is not meant against overfitting." in comment
    assert "2 of 2 : against overfitting" in words(page)


def test_a_wrong_answer_to_a_question_is_a_mistake() -> None:
    """Who chose the same wrong option is in one group; who chose another is not."""
    run = Run(find_assignment("residual-quiz"), 0, "bwrap", "cpu")
    id = run.assignment.exercises[0].id

    def answered(student: str, message: str) -> Report:
        check = failed("answer", 5, message)
        part = exercise("resblock", [check]).model_copy(update={"id": id})
        return report(student, [part])

    page = page_of([answered("a", "a) One: no."), answered("b", "a) One: no."), answered("c", "c) Three: no.")], run)
    assert [["a", "b"]] == [[bdi.text for bdi in group.select("bdi")] for group in page.select("article.group")]
    assert "2 of 3 : a) One: no" in words(page)


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "resblock": st.tuples(
            st.sampled_from(list(Status)),
            st.lists(st.sampled_from(["shortcut-missing", "bn-missing", "<b>x</b>"]), max_size=2, unique=True),
        ),
        "network": st.tuples(st.sampled_from(list(Status)), st.just([])),
    },
)


@settings(max_examples=60)
@given(st.lists(st.tuples(PARTS, st.sampled_from(list(SubmissionStatus))), max_size=14))
def test_whatever_the_class_everybody_is_linked_counted_and_grouped_once(
    drawn: list[tuple[dict[str, tuple[Status, list[str]]], SubmissionStatus]],
) -> None:
    """Counts add up to the number of submissions; one row each; one group for each exercise in which something is
    wrong."""
    made = []
    for number, (parts, status) in enumerate(drawn):
        exercises = [
            exercise(id, [ended("shape", ended_, 10, "It differs.")], *map(named, found))
            for id, (ended_, found) in parts.items()
        ]
        made.append(report(f"s{number:02}", exercises, status=status))
    page = page_of(made)
    rows = [bdi.text for bdi in page.select("tr:has([data-score]) a bdi")]
    assert sorted(one.student for one in made) == sorted(rows)
    assert len(made) == sum(int(li.select_one("span.num").text) for li in page.select(".statuses li"))
    assert f"{len(made)} submission" in page.select_one("header").text
    grouped: Counter[tuple[str, str]] = Counter()
    for group in page.select("article.group"):
        title = words(group.select_one("p.soft")).split(" ;")[0].split(";")[0].strip()
        members = [bdi.text for bdi in group.select("bdi")]
        assert int(re.search(r"(\d+) of", words(group.h3)).group(1)) == len(members) >= 2
        grouped.update((title, member) for member in members)
    for row in page.select("[aria-label='Alone with what they have'] tbody tr"):
        grouped[words(row.select("td")[0]), row.bdi.text] += 1
    lost = (Status.FAILED, Status.STUDENT_CRASHED, Status.TIMED_OUT)
    titles = {each.id: each.title for each in ASSIGNMENT.exercises}
    assert {
        (titles[part.id], one.student): 1
        for one in made
        if one.status is not SubmissionStatus.GRADER_BROKE
        for part in one.exercises
        if part.diagnoses or any(check.status in lost for check in part.checks)
    } == grouped


def test_links_lead_where_pages_are() -> None:
    """Groups that are pointed at are there, and a notebook is linked where there is one."""
    stream = StringIO()
    made = [multiplied("a"), multiplied("b"), multiplied("c")]
    write_class_page(stream, RUN, made, lambda student: student == "b")
    page = BeautifulSoup(stream.getvalue(), "html.parser")
    ids = {element["id"] for element in page.select("[id]")}
    inside = {str(a["href"])[1:] for a in page.select("a[href^='#']")}
    assert {"group-1", "attention", "students"} <= inside <= ids
    assert ["notebooks/b.html"] == [a["href"] for a in page.select("a[href^=notebooks]")]


def test_phrases_are_of_known_mistakes_and_fit_one_student() -> None:
    """No phrase outlives its mistake; its verb can be said of one."""
    assert set() == set(PHRASES) - set(mistakes())
    assert "multiplies it" == singular("multiply it")
    assert "makes a layer and does not keep it" == singular("make a layer and do not keep it")
    assert ("has one", "does not", "leaves out", "throws", "pushes", "carries", "ignores", "uses") == tuple(
        map(singular, ("have one", "do not", "leave out", "throw", "push", "carry", "ignore", "use"))
    )
    assert [] == [phrase for phrase in PHRASES.values() if phrase[0].isupper() or phrase.endswith(".")]


def test_titles_of_checks_are_those_of_the_checks() -> None:
    """They stand in two places, since reports do not carry them."""
    assert {check.id: check.title for check in checks().values()} == CODE_TITLE


def test_a_class_of_none_and_of_one() -> None:
    """Neither divides by nothing."""
    assert "0 submissions" in page_of([]).get_text()
    assert "1 submission, median" in page_of(samples()[:1]).get_text()


def plainly(number: int) -> Report:
    return report(f"student-{number:05}", [], file="f" * 200, warnings=["w" * 500])


def hopelessly(number: int) -> Report:
    """Nobody has the mistakes of another, and everybody is told something else."""
    several = [named(f"mistake-{number}", f"Your name {number} is wrong. {'w' * 500}"), named(f"other-{number}")]
    part = exercise("resblock", [failed("shape", 10, f"It is {number}. {'w' * 500}")], *several)
    return report(f"student-{number:05}", [part])


@pytest.mark.usefixtures("usual_garbage")
@pytest.mark.parametrize(("made", "few", "each"), [(plainly, 10, 100), (hopelessly, 1_000, 100)])
def test_memory_is_flat(made: Callable[[int], Report], few: int, each: int, tmp_path: Path) -> None:
    """Ten thousand students cost some numbers each, not a row each; there are only so many groups."""

    def peak(count: int) -> int:
        tracemalloc.start()
        Html().write_class(tmp_path, RUN, map(made, range(count)))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(few)  # imports and caches
    small = peak(few)
    assert peak(few + 3_000) < small + 3_000 * each
    assert (tmp_path / "index.html").stat().st_size > 800_000
