"""`github`: its commands read as the runner reads them, its lines looked up in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ci_readers import EVERYTHING, checked_out, commands, written
from test_formats_samples import RUN, SAMPLES, failing, right

from grader.formats import formats
from grader.formats._text import INVISIBLE


@pytest.fixture(autouse=True)
def _in_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step of CI starts."""
    monkeypatch.chdir(tmp_path)


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


@pytest.mark.parametrize(
    "name", ["##[add-mask].ipynb", "\x1b[31m.ipynb", "a\nb.ipynb", "\u202egnp.ipynb", "\udcff.ipynb"]
)
def test_github_names_no_path_that_cannot_be_printed(name: str, tmp_path: Path) -> None:
    """An annotation without its file is better than a log that obeys."""
    run, _ = checked_out(tmp_path, name)
    text = written("github", [failing()[0]], run)
    assert all("file" not in properties and "line" not in properties for _, properties, _ in commands(text))
    assert len(commands(text)) == text.count("\n")
    for other in ("junit", "markdown", "csv"):
        assert not INVISIBLE.search(written(other, [failing()[0]], run).replace("\r\n", "\n"))


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
