"""Checks in a real kernel, as JupyterLab, VS Code and Colab run them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from kernels import IMPORTS, Kernel, code_cells, kernel
from walls import grading

from grader.assignment import shipped_assignments
from grader.pipeline import Grader
from grader.submission import find

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the client's, about event loops
]

BLOCK = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))
"""
MULTIPLIED = BLOCK.replace("out + self", "out * self")
LINE = 18  # of the sum, where the magic stands in line 1; IPython leaves out an empty line 1
CRASHES = BLOCK.replace("out + self.shortcut(x)", "out + shortcutt")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for this file: a start takes seconds."""
    with kernel(tmp_path_factory.mktemp("notebook")) as started:
        yield started


@pytest.fixture
def notebook(running: Kernel) -> Kernel:
    running.forget()
    return running


def test_a_cell_magic_runs_the_cell_and_checks_what_it_defines(notebook: Kernel) -> None:
    """A right block gets a card that says so, as HTML and as text, and says what it is not."""
    ran = notebook.run("%%check resblock" + BLOCK)
    assert {"text/html", "text/plain"} == set(ran.card)
    assert "✓ The basic residual block: Everything is right" in ran.text
    assert f"4 of 4 checks passed: ResBlock as In [{ran.number}] defined it" in ran.text
    assert "This is a self-check: it hands nothing in." in ran.text
    assert "Everything is right" in ran.card["text/html"]
    assert [] == ran.errors


def test_a_wrong_block_gets_the_mistake_and_the_line_of_its_own_cell(notebook: Kernel) -> None:
    """Lines count as the student sees them, the magic's own line included."""
    ran = notebook.run("%%check resblock" + MULTIPLIED)
    assert "shortcut-multiplied" in ran.text
    assert f"In [{ran.number}], line {LINE}" in ran.text
    assert "→  18 return F.relu(out * self.shortcut(x))" in ran.text
    page = BeautifulSoup(ran.card["text/html"], "html.parser")
    assert ["→  18  return F.relu(out * self.shortcut(x))"] == [line.text for line in page.select("pre strong")]


def test_the_newest_definition_counts(notebook: Kernel) -> None:
    """And each card names the cell that it is about."""
    first = notebook.run(MULTIPLIED)
    assert f"as In [{first.number}] defined it" in notebook.run("%check resblock").text
    second = notebook.run(BLOCK)
    ran = notebook.run("%check resblock")
    assert f"4 of 4 checks passed: ResBlock as In [{second.number}] defined it" in ran.text
    third = notebook.run(MULTIPLIED)
    assert f"In [{third.number}], line {LINE - 1}" in notebook.run("%check resblock").text


def test_an_object_is_checked_by_the_exercise_that_asks_for_its_name(notebook: Kernel) -> None:
    """What `grader.check` returns is shown as the result of the cell, and is printed as text."""
    notebook.run(BLOCK)
    ran = notebook.run("import grader\ngrader.check(ResBlock)")
    assert "4 of 4 checks passed" in ran.text
    assert "4 of 4 checks passed" in notebook.run("print(grader.check(ResBlock))").printed
    assert [True, None] == notebook.value("[grader.check(ResBlock).correct, grader.check(3).report]")


def test_an_exercise_can_be_named(notebook: Kernel) -> None:
    """Then the object may have any name, and the assignment any place."""
    notebook.run(BLOCK.replace("class ResBlock", "class Mine"))
    assert (
        "4 of 4 checks passed: Mine as" in notebook.run("import grader\ngrader.check(Mine, exercise='resblock')").text
    )
    folder = shipped_assignments()["residual-blocks"]
    ran = notebook.run(f"grader.check(Mine, exercise='resblock', assignment={str(folder)!r})")
    assert "4 of 4 checks passed" in ran.text
    notebook.run(BLOCK)
    assert "of hackathon-5" in notebook.run("%check resblock --assignment hackathon-5").text


def test_a_function_is_checked(notebook: Kernel) -> None:
    """By what it returns; what it raises is a finding with its line."""
    right = "def path_lengths(n):\n    from math import comb\n    return [comb(n, k) for k in range(n + 1)]"
    ran = notebook.run(f"%%check lengths\n{right}")
    wrong = notebook.run(f"%%check lengths\n{right.replace('comb(n, k)', 'comb(n, k) / 0')}")
    assert "Everything is right" in ran.text
    assert "ZeroDivisionError" in wrong.text
    assert f"In [{wrong.number}], line 4" in wrong.text
    assert [] == wrong.errors


def test_an_error_of_checked_code_is_a_finding(notebook: Kernel) -> None:
    """No traceback of the grader's: the card names the error, and where it was raised."""
    ran = notebook.run("%%check resblock" + CRASHES)
    assert [] == ran.errors
    assert "" == ran.printed
    assert "name 'shortcutt' is not defined" in ran.text
    assert f"In [{ran.number}], line {LINE}" in ran.text


def test_a_cell_that_stops_after_its_definition_is_checked_and_has_failed(notebook: Kernel) -> None:
    """The traceback is IPython's own, of the student's code alone; the cell counts as failed: nothing runs on."""
    ran = notebook.run("%%check resblock" + BLOCK + "1 / 0")
    assert ["ZeroDivisionError", "Stopped"] == [name for name, _ in ran.errors]
    assert not any("grader" in trace.replace("%%check", "") and "magic.py" in trace for _, trace in ran.errors)
    assert f"In[{ran.number}]" in ran.errors[0][1]
    assert "4 of 4 checks passed" in ran.text


def test_a_cell_that_stops_before_its_definition_is_not_mistaken_for_the_last_one(notebook: Kernel) -> None:
    """What was right before says nothing about what does not run."""
    notebook.run(BLOCK)
    ran = notebook.run("%%check resblock\n1 / 0" + BLOCK)
    assert "The cell stopped before it defined ResBlock anew" in ran.text
    assert "passed" not in ran.text
    syntax = notebook.run("%%check resblock\nclass ResBlock(:\n    pass")
    assert "SyntaxError" == syntax.errors[0][0]
    assert "The cell stopped before it defined ResBlock anew" in syntax.text


def test_an_unknown_exercise_is_told_with_the_choices(notebook: Kernel) -> None:
    """The cell has been run all the same."""
    ran = notebook.run("%%check resblok\nx = 41 + 1\nx")
    assert {"text/plain": "42"} == ran.shown[0]
    assert "Did you mean resblock?" in ran.text
    assert "residual-blocks" in ran.text
    listed = notebook.run("%check nothing --assignment residual-blocks").text
    assert "resblock (ResBlock), bottleneck (Bottleneck), network (build_network)" in listed


def test_what_is_no_exercise_is_told(notebook: Kernel) -> None:
    """Each with what to do instead."""
    notebook.run("import grader\nclass Unheard(nn.Module):\n    pass\nnetwork = nn.Sequential(nn.ReLU())")
    assert "No assignment here asks for Unheard" in notebook.run("grader.check(Unheard)").text
    assert "a module that is built already" in notebook.run("grader.check(network)").text
    assert "nothing to check in this int" in notebook.run("grader.check(3)").text
    assert "There is no ResBlock yet" in notebook.run("%check resblock").text
    assert "run `grader check` on it" in notebook.run("%check essay").text
    assert "An assignment that has to be named asks for 'cifar-block'" in notebook.run("%check cifar-block").text
    assert "there is no assignment 'nowhere'" in notebook.run("%check resblock --assignment nowhere").text
    usage = notebook.run("%check")
    assert [] == usage.shown
    assert "exercise" in usage.printed


def test_hostile_names_are_inert_in_a_card(notebook: Kernel) -> None:
    """Names, messages and source are text, whatever they hold."""
    notebook.run(BLOCK.replace("out + self.shortcut(x)", "out + self.nothing['<img src=x onerror=alert(1)>']"))
    notebook.run("ResBlock.__name__ = '<script>alert(1)</script>'")
    ran = notebook.run("import grader\ngrader.check(ResBlock, exercise='resblock')")
    page = BeautifulSoup(ran.card["text/html"], "html.parser")
    assert [] == page.select("script, img, style, link, iframe, object, [onerror]")
    assert "<img src=x onerror=alert(1)>" in page.text
    refused = notebook.run("grader.check(type('<script>x</script>', (), {}))")
    assert [] == BeautifulSoup(refused.card["text/html"], "html.parser").select("script")


def test_the_assignment_is_read_from_the_notebooks_metadata(notebook: Kernel, tmp_path: Path) -> None:
    """Where the kernel is told which file it runs, as JupyterLab does."""
    path = tmp_path / "mine.ipynb"
    content = {"metadata": {"grader": {"assignment": "hackathon-5"}}, "nbformat": 4, "nbformat_minor": 5, "cells": []}
    path.write_text(json.dumps(content), "utf-8")
    notebook.run(BLOCK)
    assert "of residual-blocks" in notebook.run("%check resblock").text
    notebook.run(f"import os\nos.environ['JPY_SESSION_NAME'] = {str(path)!r}")
    assert "of hackathon-5" in notebook.run("%check resblock").text
    path.write_text(json.dumps(content).replace("hackathon-5", "elsewhere"), "utf-8")
    assert "names the assignment 'elsewhere', which is not here" in notebook.run("%check resblock").text
    notebook.run("del os.environ['JPY_SESSION_NAME']")


def test_an_interrupt_ends_a_check(notebook: Kernel) -> None:
    """Even where the code swallows every exception; the next check works."""
    notebook.run(
        BLOCK.replace(
            "        out = F.relu(self.bn1(self.conv1(x)))",
            "        try:\n            waiting.append(time.sleep(60))\n        except:\n            pass\n"
            "        out = F.relu(self.bn1(self.conv1(x)))",
        )
    )
    notebook.run("import os, signal, threading, time\nwaiting = []")
    ran = notebook.run(
        "threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()\nbegan = time.monotonic()\n%check resblock"
    )
    assert ["Interrupted"] == [name for name, _ in ran.errors]
    assert "The check was interrupted" in ran.errors[0][1]
    assert [] == ran.shown
    assert notebook.value("time.monotonic() - began") < 30
    notebook.run(BLOCK)
    assert "4 of 4 checks passed" in notebook.run("%check resblock").text


def test_what_checked_code_prints_and_shows_is_not_repeated_below_the_cell(notebook: Kernel) -> None:
    """A forward pass is run some hundred times."""
    noisy = BLOCK.replace("out = F.relu", "print(x.shape); display(1); input('?'); out = F.relu")
    ran = notebook.run("%%check resblock" + noisy)
    assert "" == ran.printed
    assert 1 == len(ran.shown)
    assert "4 of 4 checks passed" in ran.text
    assert "still here\n" == notebook.run("print('still here')").printed


# ---------------------------------------------------------------------- the same verdict as `grader check`

# Kinds of module, network, function and mistake; no search for a cause that takes long.
SAMPLE = [
    ("residual-blocks", "right-inplace"),
    ("residual-blocks", "right-lazy"),
    ("residual-blocks", "wrong-detached"),
    ("residual-blocks", "wrong-multiplied"),
    ("residual-blocks", "wrong-no-return"),
    ("residual-blocks", "wrong-one-argument"),
    ("residual-blocks", "wrong-plain-network"),
    ("residual-blocks", "wrong-python-list"),
    ("residual-blocks", "wrong-unfinished"),
    ("ensemble-view", "*"),
    ("gradient-flow", "*"),
]
NOTEBOOKS = [
    (assignment, path)
    for assignment, pattern in SAMPLE
    for path in sorted((shipped_assignments()[assignment] / "examples").glob(f"{pattern}.ipynb"))
]
ASK = """
import json
from grader.assignment import find_assignment
from grader.notebook.checking import check_defined
cards = {each.id: check_defined(each.id, "ASSIGNMENT") for each in find_assignment("ASSIGNMENT").called_exercises}
print(json.dumps({id_: card.report.model_dump(mode="json") for id_, card in cards.items() if card.report}))
"""


@pytest.fixture(scope="module")
def graders() -> Iterator[Callable[[str], Grader]]:
    with ExitStack() as stack:
        yield cache(lambda assignment: stack.enter_context(grading(assignment=assignment)))


@pytest.mark.parametrize(("assignment", "path"), NOTEBOOKS, ids=[f"{a}-{path.stem}" for a, path in NOTEBOOKS])
def test_the_verdict_is_that_of_grader_check(
    notebook: Kernel, graders: Callable[[str], Grader], assignment: str, path: Path
) -> None:
    """Of every exercise that the notebook defines: each status, message, value, cause, line and formula."""
    places = {notebook.run(source).number: number for number, source in code_cells(path)}
    seen = json.loads(notebook.run(ASK.replace("ASSIGNMENT", assignment)).printed)
    with find([path]) as (hand_in,):
        report, _ = graders(assignment).grade(hand_in)
    wanted = {each.id: each.model_dump(mode="json") for each in report.exercises if each.id in seen}
    for exercise in seen.values():
        for said in exercise["checks"] + exercise["diagnoses"]:
            said["cell"] = places.get(said["cell"])
    assert seen
    if any("was mended" in repair for repair in report.repairs):
        # Objects that are there cannot be made anew from a mended text: nothing runs, and no more is said.
        wanted, seen = ({key: _statuses(each) for key, each in found.items()} for found in (wanted, seen))
    assert wanted == seen


def _statuses(exercise: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in exercise["checks"]}


def test_a_notebook_that_checks_itself_is_graded_like_one_that_does_not(tmp_path: Path) -> None:
    """Behind the wall nobody is there to read a card, and a cell under a magic defines what it defines."""
    cells = [
        "%load_ext grader\nimport grader\n" + IMPORTS,
        "%%check resblock" + BLOCK,
        "%check resblock\nif ResBlock is not None:\n    grader.check(ResBlock)\n    width = 8",
        # What is needed stands behind a loop, so that the notebook is run from top to bottom.
        "class Bottleneck(nn.Module):\n    def __init__(self, a, b, stride=1):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(a, b, 1, stride)\n    def forward(self, x):\n        return self.conv(x)*later",
        "grader.check(Bottleneck)\nimport sys\nwhile True:\n    later = 1.0\n    break",
    ]
    path = tmp_path / "mine.ipynb"
    code = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": s} for s in cells]
    path.write_text(json.dumps({"metadata": {}, "nbformat": 4, "nbformat_minor": 4, "cells": code}), "utf-8")
    with find([path]) as (hand_in,), grading(diagnose=False) as grader:
        report, _ = grader.grade(hand_in)
    exercises = {each.id: each for each in report.exercises}
    assert exercises["resblock"].correct
    assert "passed" == exercises["bottleneck"].checks[0].status, exercises["bottleneck"].checks[0].message
    assert [] == report.warnings
    assert ["Every cell was run, because the definitions alone were not enough."] == report.repairs
