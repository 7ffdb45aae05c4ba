"""`markdown`, and the summary of `github`: rendered, and nothing in it acts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ci_readers import ACTS, EVERYTHING, prose, rendered, written
from hypothesis import given
from hypothesis import strategies as st
from test_formats_samples import RUN, essay, exercise, failed, failing, report, right

from grader.formats import formats
from grader.formats._inert import line
from grader.formats._inline import inline
from grader.verdict import Diagnosis, Proof


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
        ("ResBlock(8, 16, 2), stride 2: the value", "`ResBlock(8, 16, 2)`, stride 2: the value"),
        ("x = f(a and nothing closes it", "x = `f(a` and nothing closes it"),
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
