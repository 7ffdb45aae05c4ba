"""`junit`, `github` and `markdown`: each read again by a reader that is not ours, by its receiver's rules."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import junitparser
import nbformat
import pytest
import xmlschema
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_formats_golden import golden
from test_formats_samples import RUN, SAMPLES, commanding, essay, exercise, failed, failing, report, right

from grader.formats import Document, Run, formats
from grader.formats._inert import line
from grader.formats._inline import inline
from grader.formats._text import INVISIBLE
from grader.submission import HandIn
from grader.verdict import Diagnosis, Proof, Report, Status

XSD = Path(__file__).parent / "schemas" / "junit.xsd"
EVERYTHING = sorted([*(sample()[0] for sample in SAMPLES.values()), commanding()[0]], key=lambda made: made.student)


@pytest.fixture(autouse=True)
def _no_runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """These tests may themselves run in CI."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def written(name: str, reports: list[Report], run: Run = RUN) -> str:
    form = formats()[name]
    assert isinstance(form, Document)
    stream = io.StringIO(newline="")
    form.write(stream, run, iter(reports))
    return stream.getvalue()


def checked_out(tmp_path: Path, name: str = "homework/grace.ipynb") -> tuple[Run, Path]:
    """A run in a repository that holds the failing sample as a file."""
    made, handed_in = failing()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(handed_in.notebook, path)
    hand_in = HandIn(made.student, path.name, path)
    return Run(RUN.assignment, 0, "bwrap", "cpu", "0.1.0", {made.student: hand_in}), path


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize(("name", "file"), [("junit", "junit.xml"), ("markdown", "comment.md"), ("csv", "results.csv")])
def test_golden(name: str, file: str) -> None:
    """The bytes do not change unless somebody means it."""
    golden(file, written(name, EVERYTHING))


def test_golden_github(tmp_path: Path) -> None:
    """Both files of it."""
    formats()["github"].write_class(tmp_path / "reports", RUN, iter(EVERYTHING))
    for file in ("annotations.txt", "summary.md"):
        golden(file, (tmp_path / "reports" / file).read_bytes().decode("utf-8"))


@pytest.mark.parametrize("name", ["junit", "github", "markdown", "csv"])
def test_no_log_obeys_it(name: str) -> None:
    """Whatever prints a report to a CI log or a terminal: no line of it is a command but those that are meant."""
    text = written(name, EVERYTHING).replace("\r\n", "\n")
    assert not INVISIBLE.search(text)
    assert not re.search(r"##\w*\[", text)
    for each in text.split("\n"):
        assert name == "github" or not each.lstrip().startswith("::")
        assert name != "github" or not each or re.match(r"::(error|warning|notice) [^:]*::(?!.*::)", each)


@pytest.mark.parametrize("name", ["junit", "github", "markdown", "csv"])
def test_nobody_handed_in_anything(name: str) -> None:
    """No report is still a document."""
    text = written(name, [])
    assert name == "github" or text


# ---------------------------------------------------------------------- junit


def test_junit_follows_the_schema() -> None:
    """And the schema would object to something else."""
    schema = xmlschema.XMLSchema(str(XSD))
    text = written("junit", EVERYTHING)
    schema.validate(text)
    for old, new in [("<failure ", "<fail "), ('tests="', 'count="'), ("<testcase ", '<testcase when="" ')]:
        with pytest.raises(xmlschema.XMLSchemaValidationError):
            schema.validate(text.replace(old, new).replace("</failure>", "</fail>" if "fail " in new else "</failure>"))


def test_junit_read_by_junitparser() -> None:
    """One suite a submission, one case a check; counts and points add up to the report's."""
    suites = list(junitparser.JUnitXml.fromstring(written("junit", EVERYTHING).encode()))
    assert len(EVERYTHING) == len(suites)
    for made, suite in zip(EVERYTHING, suites, strict=True):
        checks = [check for part in made.exercises for check in part.checks]
        cases = list(suite)
        declared = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert declared == (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert len(cases) == max(1, len(checks))
        told = {prop.name: prop.value for prop in suite.properties()}
        assert (made.status, made.score, made.max_score, made.pending) == (
            told["status"],
            float(told["score"]),
            float(told["max_score"]),
            float(told["pending"]),
        )
        assert made.score == pytest.approx(sum(float(prop) for prop in points_of(cases)))
        assert len({(case.classname, case.name) for case in cases}) == len(cases)
        for check, case in zip(checks, cases, strict=False):
            assert OUTCOME[check.status] == (case.is_failure, case.is_error, case.is_skipped)
            assert case.result == [] or line(check.message)[:40] in case.result[0].text.replace("\n", " ")


OUTCOME = {
    Status.PASSED: (False, False, False),
    Status.FAILED: (True, False, False),
    Status.STUDENT_CRASHED: (False, True, False),
    Status.TIMED_OUT: (False, True, False),
    Status.GRADER_BROKE: (False, False, True),
    Status.SKIPPED: (False, False, True),
}


def points_of(cases: list[junitparser.TestCase]) -> Iterator[str]:
    for case in cases:
        for prop in case._elem.iterfind("properties/property[@name='score']"):
            yield prop.get("value")


def test_junit_totals_are_those_of_the_suites() -> None:
    """The root counts what is below it."""
    root = ElementTree.fromstring(written("junit", EVERYTHING))
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name, "-1")) == sum(int(suite.get(name, "0")) for suite in root)


def test_junit_says_pending_and_causes_in_text() -> None:
    """GitLab shows the text of an element and none of its attributes."""
    root = ElementTree.fromstring(written("junit", [failing()[0]]))
    assert "10 points are pending: neither won nor lost" in root.find(".//skipped").text
    first, *others = [element.text for element in root.iterfind(".//failure")]
    assert "shortcut-multiplied (proven by replay): The shortcut is multiplied" in first
    assert not any("shortcut-multiplied" in text for text in others)


def test_junit_names_an_unreadable_file() -> None:
    """Nobody is missing: a file that could not be read is an error with the reason."""
    made = report("margaret", [], status="unreadable", warnings=["It ends in cell 7."])
    (case,) = next(iter(junitparser.JUnitXml.fromstring(written("junit", [made]).encode())))
    assert case.is_error
    assert "It ends in cell 7." in case.result[0].text


def test_junit_checks_of_one_name_stay_two() -> None:
    """GitLab takes two cases of one class and name for the same."""
    made = report("ada", [exercise("resblock", [failed("shape", 10, "a"), failed("shape", 10, "b")])])
    suite = next(iter(junitparser.JUnitXml.fromstring(written("junit", [made]).encode())))
    assert [case.name for case in suite] == ["shape", "shape (2)"]


def test_junit_points_into_the_file_on_disk(tmp_path: Path) -> None:
    """`file` from the repository's root, `line` of the JSON."""
    run, path = checked_out(tmp_path)
    root = ElementTree.fromstring(written("junit", [failing()[0]], run))
    case = root.find(".//testcase[@name='skip-connection']")
    assert case.get("file") == "homework/grace.ipynb"
    assert "# the skip connection" in path.read_text(encoding="utf-8").split("\n")[int(case.get("line")) - 1]


# ---------------------------------------------------------------------- github


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads a log: kind, properties and message of every command, unescaped by its rules."""

    def plain(value: str, *escapes: tuple[str, str]) -> str:
        for escape, sign in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(escape, sign)
        return value

    found = []
    for each in text.split("\n"):
        if match := re.fullmatch(r"\s*::(\w[\w-]*)(?: ([^:]*))?::(.*)", each):
            pairs = [pair.split("=", 1) for pair in (match[2] or "").split(",") if pair]
            properties = {name: plain(value, ("%3A", ":"), ("%2C", ",")) for name, value in pairs}
            found.append((match[1], properties, plain(match[3])))
    return found


def test_github_points_at_the_notebooks_lines(tmp_path: Path) -> None:
    """Each annotation lies at the line of the JSON in which the student's line stands."""
    run, path = checked_out(tmp_path)
    found = commands(written("github", [failing()[0]], run))
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [kind for kind, _, _ in found] == ["error"] * 4 + ["warning", "notice"]
    kind, properties, message = found[0]
    assert (kind, properties["file"], properties["title"]) == (
        "error",
        "homework/grace.ipynb",
        "resblock: shortcut-multiplied",
    )
    assert "out * self.shortcut(x)" in lines[int(properties["line"]) - 1]
    assert message.startswith("The shortcut is multiplied with the branch.")
    for check in (check for part in failing()[0].exercises for check in part.checks if check.cell):
        near = [json.loads(f"[{lines[int(p['line']) - 1].strip().rstrip(',')}]") for _, p, m in found if "line" in p]
        assert all(isinstance(each[0], str) for each in near), check


def test_github_says_once_what_stands_at_one_line(tmp_path: Path) -> None:
    """The check that fails at the line of a proven cause is not told again."""
    run, _ = checked_out(tmp_path)
    titles = [properties["title"] for _, properties, _ in commands(written("github", [failing()[0]], run))]
    assert "resblock: skip-connection" not in titles
    assert "resblock: gradient" in titles


@pytest.mark.parametrize("name", ["a b/100%,x:y.ipynb", "ä=1,line=9.ipynb", "x::y.ipynb", "%0A%3A.ipynb", "-.ipynb"])
def test_github_paths_survive(name: str, tmp_path: Path) -> None:
    """A file is found whatever it is called."""
    run, _ = checked_out(tmp_path, name)
    _, properties, _ = commands(written("github", [failing()[0]], run))[0]
    assert name == properties["file"]
    assert set(properties) == {"file", "line", "title"}


@pytest.mark.parametrize("name", ["##[add-mask].ipynb", "\x1b[31m.ipynb", "a\nb.ipynb", "\u202egnp.ipynb"])
def test_github_names_no_path_that_cannot_be_printed(name: str, tmp_path: Path) -> None:
    """An annotation without its file is better than a log that obeys."""
    run, _ = checked_out(tmp_path, name)
    text = written("github", [failing()[0]], run)
    assert all("file" not in properties and "line" not in properties for _, properties, _ in commands(text))
    assert len(commands(text)) == text.count("\n")


def test_github_names_what_lies_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in a zip, or lies outside of the repository, has no lines there; its name is in the title."""
    run, _ = checked_out(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    _, properties, _ = commands(written("github", [failing()[0]], run))[0]
    assert properties == {"title": "grace.ipynb: resblock: shortcut-multiplied"}


def test_github_root_is_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the folder in which a step happens to run."""
    run, _ = checked_out(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "homework"))
    assert commands(written("github", [failing()[0]], run))[0][1]["file"] == "grace.ipynb"


def test_github_shows_everybodys_worst_first() -> None:
    """Of many, ten of each kind are printed: nobody's second finding before anybody's first."""
    many = [
        failing()[0].model_copy(update={"student": f"s{number:02}", "file": f"s{number:02}.ipynb"})
        for number in range(12)
    ]
    found = commands(written("github", many))
    assert [kind for kind, _, _ in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert [f"s{number:02}.ipynb: resblock: shortcut-multiplied" for number in range(10)] == [
        properties["title"] for kind, properties, _ in found if kind == "error"
    ]
    few = commands(written("github", many[:4]))
    assert [p["title"].split(": ", 1)[1] for kind, p, _ in few if kind == "error"] == (
        ["resblock: shortcut-multiplied"] * 4 + ["resblock: parameters"] * 4 + ["resblock: gradient"] * 2
    )


def test_github_pending_is_no_error() -> None:
    """Points that a human decides about are a notice; a fault of the grader's own is a warning."""
    kinds = {kind for kind, _, _ in commands(written("github", [right()[0]]))}
    assert kinds == {"notice"}
    found = commands(written("github", [SAMPLES["broken_grader"]()[0]]))
    assert [kind for kind, p, _ in found if p["title"].endswith("resblock: parameters")] == ["warning"]
    assert "neither won nor lost" in found[-1][2]


def test_github_adds_to_the_jobs_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a run, after what other steps have written; on standard output too."""
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    formats()["github"].write_class(tmp_path / "reports", RUN, EVERYTHING)
    once = summary.read_text(encoding="utf-8")
    assert once == "before\n" + (tmp_path / "reports" / "summary.md").read_text(encoding="utf-8") + "\n"
    assert written("github", EVERYTHING) == (tmp_path / "reports" / "annotations.txt").read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8").count("### Residual blocks") == 2


# ---------------------------------------------------------------------- markdown


def rendered(text: str) -> BeautifulSoup:
    """As GitHub renders it: HTML is let through, which is the worst case."""
    return BeautifulSoup(MarkdownIt("commonmark", {"html": True}).enable("table").render(text), "html.parser")


# What GitHub and GitLab make of rendered text, anywhere but in code.
ACTS = re.compile(r"@\w|[#!~$&%]\w|\bGH-\d|://|www\.|\b[0-9a-f]{7,40}\b|^/\w|:\w+:", re.IGNORECASE | re.MULTILINE)


def prose(page: BeautifulSoup) -> str:
    """The text that is not code."""
    for code in page.find_all(["code"]):
        code.replace_with(" ")
    return page.get_text()


@pytest.mark.parametrize("name", ["markdown", "github"])
def test_markdown_holds_nothing_of_a_students_that_acts(name: str, tmp_path: Path) -> None:
    """No link, picture, HTML, mention or reference: of elements there are only those that the format writes."""
    if name == "github":
        formats()[name].write_class(tmp_path, RUN, EVERYTHING)
        text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    else:
        text = written(name, EVERYTHING)
    page = rendered(text)
    assert {"details", "summary", "code", "h3", "p", "ul", "li", "strong"} == {tag.name for tag in page.find_all(True)}
    assert {} == {key: value for tag in page.find_all(True) for key, value in tag.attrs.items()}
    assert len(EVERYTHING) - 1 == len(page.find_all("details"))
    assert not ACTS.search(prose(page))


@pytest.mark.parametrize(
    "file", ["[x](https://evil.example).ipynb", "`a`*b*.ipynb", "![](x) @all #1.ipynb", "<b>.ipynb"]
)
def test_a_clean_notebooks_name_is_code(file: str) -> None:
    """Where there is nothing to unfold, the name stands in Markdown and not in HTML."""
    page = rendered(written("markdown", [right()[0].model_copy(update={"file": file})]))
    (name,) = page.find_all("code")
    assert file == name.get_text()
    assert [] == page.find_all(["a", "img", "em", "b"])
    assert not ACTS.search(prose(page))


def test_the_marker_is_the_first_line_and_stands_nowhere_else() -> None:
    """By it the next run finds its comment; a student's copy of it is code, behind the beginning of a line."""
    lines = written("markdown", EVERYTHING).split("\n")
    assert lines[0] == "<!-- grader: residual-blocks -->"
    assert not any(each.lstrip().startswith("<!--") for each in lines[1:])


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("`@#<>[]()!*_~:/\\|&$ -+"), max_size=80))
def test_inline_keeps_every_word_and_lets_none_act(text: str) -> None:
    """What is shown is what was written, and of Markdown there is nothing but code."""
    page = rendered("x " + inline(text))
    assert {tag.name for tag in page.find_all(True)} <= {"p", "code"}
    assert "".join(f"x{line(text)}".split()) == "".join(page.get_text().split())
    assert not ACTS.search(prose(page))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The block gives 0 everywhere. It should give relu(x).",
            "The block gives 0 everywhere. It should give `relu(x)`.",
        ),
        ("A block adds it: F(x) + x. Then", "A block adds it: `F(x) + x`. Then"),
        ("weight of size [32, 16, 3, 3], expected", "weight of size `[32, 16, 3, 3]`, expected"),
        ("@all see #12", "`@all` see `#12`"),
        ("a ` b", "a `` ` `` b"),
        ("it's 3×3, not 1,179,648!", "it's 3×3, not 1,179,648!"),
        ("", ""),
    ],
)
def test_inline_reads_well(text: str, expected: str) -> None:
    """Prose stays prose, code becomes code, and a sentence keeps its marks."""
    assert expected == inline(text)


def test_a_single_notebook_is_shown_open() -> None:
    """Of many, each is folded."""
    assert "<details open>" in written("markdown", [failing()[0]])
    assert "<details open>" not in written("markdown", EVERYTHING)


def test_points_of_the_comment_are_those_of_the_report() -> None:
    """Pending points are neither won nor lost, and said to be."""
    for made in EVERYTHING:
        (heading,) = re.findall(
            r"(?m)^(?:<details|- ✓ `).* (\d+) of (\d+) points(?:, (\d+) more pending)?", written("markdown", [made])
        )
        assert (made.score, made.max_score, made.pending) == (
            float(heading[0]),
            float(heading[1]) + float(heading[2] or 0),
            float(heading[2] or 0),
        )


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}", "é"])
def test_a_comment_is_never_too_long(letter: str) -> None:
    """GitHub refuses 65,537 characters. What is left out is counted, and said."""
    message = f"{letter * 100} " * 10
    parts = [exercise("resblock", [failed("shape", 10, message)] * 12), essay()]
    many = [report(f"s{number:04}", parts, file=f"{letter * 40}/{number}.ipynb") for number in range(3_000)]
    text = written("markdown", many)
    assert 60_000 < len(text.encode("utf-16-le")) // 2 <= 65_536
    told = re.search(
        r"what was found in ([\d,]+) notebooks? is not told and ([\d,]+) notebooks are left out here", text
    )
    assert told is not None
    shown = text.count("<code>") + text.count("\n- ✗ `")
    assert 3_000 == shown + int(told[2].replace(",", ""))
    assert shown == text.count("<details>") + int(told[1].replace(",", ""))
    assert text.count("<details>") == text.count("</details>") > 1


def test_a_jobs_summary_is_never_too_long(tmp_path: Path) -> None:
    """GitHub drops one of more than 1 MiB."""
    made = failing()[0]
    many = (made.model_copy(update={"student": f"s{number}", "file": "é" * 150}) for number in range(10_000))
    formats()["github"].write_class(tmp_path, RUN, many)
    assert 900_000 < (tmp_path / "summary.md").stat().st_size <= 1_000_000


def test_a_hint_is_not_something_to_fix() -> None:
    """What a student's code says of itself costs nothing."""
    made, _ = right()
    hinted = made.exercises[0].model_copy(
        update={"diagnoses": [Diagnosis(mistake="dropout-added", proof=Proof.REPORTED, message="There is a dropout.")]}
    )
    text = written("markdown", [made.model_copy(update={"exercises": [hinted, *made.exercises[1:]]})])
    assert "1 notebook, 1 with nothing to fix" in text
    assert "**Hint**, which costs nothing: There is a dropout." in text
