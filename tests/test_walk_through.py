"""docs/walk-through.md, walked: every file in it is written, every command run, every output compared.

The finished homework is tests/assignments/attention. Right answers to it in many styles are not accused, and wrong
ones do not pass.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from walls import SharingGrader, graded, wall

from grader.assignment import Limits, load_assignment
from grader.pipeline import Grader, Settings
from grader.verdict import ExerciseReport, Report, Status

ROOT = Path(__file__).parent.parent
FINISHED = ROOT / "tests" / "assignments" / "attention"
TEXT = (ROOT / "docs" / "walk-through.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:^`(?P<file>[\w/.-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(TEXT)]
NOTEBOOKS = sorted(FINISHED.rglob("*.ipynb"))
EXAMPLES = {path.stem: path for path in sorted((FINISHED / "examples").iterdir())}


def cells(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


# --- the text ------------------------------------------------------------------------------------------------


def test_files_in_the_text_are_those_of_the_finished_homework() -> None:
    files = {block["file"]: block["text"] for block in BLOCKS if block["file"]}
    assert {"attention/reference.py", "attention/assignment.toml"} == files.keys()
    for name, text in files.items():
        assert (FINISHED / Path(name).name).read_text() == text


def test_code_in_the_text_stands_in_the_notebooks() -> None:
    code = [block["text"].rstrip("\n") for block in BLOCKS if block["kind"] == "python" and not block["file"]]
    known = [cell for path in NOTEBOOKS for cell in cells(path)]
    assert 8 == len(code)
    assert [] == [block for block in code if block not in known]


def test_every_notebook_is_in_the_text_and_valid() -> None:
    for path in NOTEBOOKS:
        assert f"`{path.name}`" in TEXT or f"`attention/{path.name}`" in TEXT
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert "attention" == notebook.metadata.grader.assignment
        assert ["why"] == [cell.metadata.grader.answer for cell in notebook.cells if "grader" in cell.metadata]


# --- the walk ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str, str]]]:
    """The folder at the end, and of each command what it should have said and what it said."""
    wall()
    here = tmp_path_factory.mktemp("walk")
    commands = here / "bin"
    commands.mkdir()
    (commands / "grader").write_text(f'#!/bin/sh\nexec {sys.executable} -m grader "$@"\n')
    (commands / "grader").chmod(0o755)
    home = here / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{commands}:{os.environ['PATH']}", "COLUMNS": "80"}
    said = []
    for block in BLOCKS:
        if block["file"]:
            (home / block["file"]).write_text(block["text"])
        if block["kind"] != "console":
            continue
        command, _, expected = block["text"].removeprefix("$ ").partition("\n")
        run = subprocess.run(
            command, shell=True, cwd=home, env=environment, timeout=300, check=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said.append((command, expected, run.stdout))
        if command.startswith("rm "):  # what the text has made in Jupyter
            for path in NOTEBOOKS:
                shutil.copy(path, home / "attention" / path.relative_to(FINISHED))
    return home, said


@pytest.mark.slow
def test_every_command_says_what_the_text_says(walked: tuple[Path, list[tuple[str, str, str]]]) -> None:
    """In this order; a machine with a weaker wall says so in between."""
    assert len(walked[1]) >= 6
    for command, expected, said in walked[1]:
        lines = iter(line.rstrip() for line in said.splitlines())
        missing = [line for line in expected.splitlines() if not any(line.rstrip() == each for each in lines)]
        assert [] == missing, f"{command} said:\n{said}"


@pytest.mark.slow
def test_what_the_walk_ends_with_is_the_finished_homework(walked: tuple[Path, list[tuple[str, str, str]]]) -> None:
    folder = walked[0] / "attention"
    made = {path.relative_to(folder) for path in folder.rglob("*.*") if "__pycache__" not in path.parts}
    kept = {path.relative_to(FINISHED) for path in FINISHED.rglob("*.*") if "__pycache__" not in path.parts}
    assert made == kept | {Path("README.md")}


# --- the verdicts --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with SharingGrader(load_assignment(FINISHED), Settings(wall(), "cpu", 0, Limits(), diagnose=False)) as grader:
        grader.prepare()
        yield grader


@pytest.fixture
def multi_head(grader: Grader, tmp_path: Path) -> Callable[..., ExerciseReport]:
    def judge(*sources: str) -> ExerciseReport:
        report = graded(grader, tmp_path, IMPORTS, *sources)
        return next(each for each in report.exercises if each.id == "multi-head")

    return judge


def exercises(report: Report) -> dict[str, float]:
    return {each.id: each.score for each in report.exercises}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_get_what_their_names_say(grader: Grader, tmp_path: Path, name: str) -> None:
    scores = exercises(graded(grader, tmp_path, *cells(EXAMPLES[name])))
    lost = {
        "wrong-not-scaled": {"attention": 5, "multi-head": 20},
        "wrong-heads-first": {"multi-head": 20},
        "wrong-python-list": {"multi-head": 30},
    }
    assert ({"attention": 15, "multi-head": 40, "why": 0} | lost.get(name, {})) == scores
    assert name.startswith("wrong") == (name in lost)


IMPORTS = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn"
SEPARATE = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.h = heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.o = nn.Linear(width, width)

    def forward(self, x):
        N, L, W = x.shape
        d = W // self.h
        q = self.q(x).view(N, L, self.h, d).transpose(1, 2)
        k = self.k(x).view(N, L, self.h, d).transpose(1, 2)
        v = self.v(x).view(N, L, self.h, d).transpose(1, 2)
        w = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(d), dim=-1)
        return self.o((w @ v).transpose(1, 2).reshape(N, L, W))
"""
FUSED = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.h = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.o = nn.Linear(width, width)

    def forward(self, x):
        N, L, W = x.shape
        q, k, v = SPLIT
        w = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        return self.o((w @ v).transpose(1, 2).reshape(N, L, W))
"""
SLICES = """
        q, k, v = self.q(x), self.k(x), self.v(x)
        d = x.shape[-1] // self.h
        outs = []
        for i in range(self.h):
            s = slice(i * d, (i + 1) * d)
            outs.append(F.softmax(torch.bmm(q[..., s], k[..., s].mT) / math.sqrt(d), dim=-1) @ v[..., s])
        return self.o(torch.cat(outs, -1))
"""
LISTS = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.k, self.v, self.q = (
            nn.ModuleList([nn.Linear(width, width // heads) for _ in range(heads)]) for _ in range(3)
        )
        self.o = nn.Linear(width, width)

    def forward(self, x):
        each = [F.scaled_dot_product_attention(q(x), k(x), v(x)) for q, k, v in zip(self.q, self.k, self.v)]
        return self.o(torch.cat(each, dim=2))
"""
PARAMETERS = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.h = heads
        self.wq, self.wk, self.wv, self.wo = (nn.Parameter(torch.randn(width, width)) for _ in range(4))

    def forward(self, x):
        N, L, W = x.shape
        q, k, v = ((x @ w).view(N, L, self.h, -1).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(N, L, W) @ self.wo
"""
LIBRARY = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.a = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.a(x, x, x)[0]
"""
BODY = SEPARATE[SEPARATE.index("        N, L, W") :]
SOFTMAX = "        w = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(d), dim=-1)\n"
RIGHT = {
    "separate": SEPARATE,
    "without biases": SEPARATE.replace("(width, width)", "(width, width, bias=False)"),
    "the keys' and values' layers come first": SEPARATE.replace("q = self.q(x)", "t = self.q(x)")
    .replace("v = self.v(x)", "q = self.v(x)").replace("k = self.k(x)", "v = self.k(x)").replace("t = ", "k = "),
    "the query is scaled": SEPARATE.replace("q @ k.transpose(-2, -1) / math.sqrt(d)", "(q / d**0.5) @ k.mT"),
    "keys times queries": SEPARATE.replace(SOFTMAX, "        w = (k @ q.mT / d**0.5).softmax(-2).mT\n"),
    "separate, by torch": SEPARATE.replace(SOFTMAX, "").replace("(w @ v)", "F.scaled_dot_product_attention(q, k, v)"),
    "slices in a loop": SEPARATE.replace(BODY, SLICES.lstrip("\n")),
    "fused": FUSED.replace("SPLIT", "self.qkv(x).view(N, L, 3, self.h, -1).permute(2, 0, 3, 1, 4)"),
    "fused, without some biases": FUSED.replace("3 * width)", "3 * width, bias=False)").replace(
        "SPLIT", "(t.view(N, L, self.h, -1).transpose(1, 2) for t in self.qkv(x).split(W, dim=2))"
    ),
    "fused, head by head": FUSED.replace(
        "SPLIT", "self.qkv(x).view(N, L, self.h, -1).transpose(1, 2).chunk(3, dim=-1)"
    ),
    "lists of layers": LISTS,
    "lists of layers, the last head first": LISTS.replace("torch.cat(each", "torch.cat(each[::-1]"),
    "bare parameters": PARAMETERS,
    "torch's own": LIBRARY,
}  # fmt: skip
WRONG = {
    "not scaled": SEPARATE.replace(" / math.sqrt(d)", ""),
    "scaled by the whole width": SEPARATE.replace("math.sqrt(d)", "math.sqrt(W)"),
    "softmax over the queries": SEPARATE.replace("dim=-1", "dim=-2"),
    "heads not put back": SEPARATE.replace("(w @ v).transpose(1, 2)", "(w @ v)"),
    "heads first": SEPARATE.replace("view(N, L, self.h, d).transpose(1, 2)", "view(N, self.h, L, d)"),
    "one layer for queries and keys": SEPARATE.replace("self.k(x)", "self.q(x)"),
    "no last layer": SEPARATE.replace("self.o((w @ v).transpose(1, 2).reshape(N, L, W))", "(w @ v).reshape(N, L, W)"),
    "a shortcut": SEPARATE.replace("return self.o(", "return x + self.o("),
    "always one head": SEPARATE.replace("self.h = heads", "self.h = 1"),
    "always two heads": SEPARATE.replace("self.h = heads", "self.h = 2 - heads % 2"),
    "weights detached": SEPARATE.replace("dim=-1)\n", "dim=-1).detach()\n"),
    "values are keys, too": SEPARATE.replace("w @ v", "w @ (v + k)"),
    "query of the first position": SEPARATE.replace("q @ k", "q[:, :, :1].expand_as(q) @ k"),
    "the first head's keys for all": LISTS.replace("k(x), v(x)", "self.k[0](x), v(x)"),
}  # fmt: skip


@pytest.mark.parametrize("style", RIGHT)
def test_right_answers_pass_in_any_style(multi_head: Callable[..., ExerciseReport], style: str) -> None:
    found = multi_head(RIGHT[style])
    assert found.correct, [check.message for check in found.checks]


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_answers_do_not_pass(multi_head: Callable[..., ExerciseReport], mistake: str) -> None:
    """Trying which layer is which does not let a wrong one through."""
    assert WRONG[mistake] not in RIGHT.values()
    assert any(check.status is Status.FAILED for check in multi_head(WRONG[mistake]).checks)
