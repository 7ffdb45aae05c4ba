"""What is read of another grader's assignment."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.stripping import MarkerError, strip_text


@dataclass(frozen=True)
class Left:
    """Something that could not be carried over, and where it stands: `cell 7`, `tests/q1.py`."""

    where: str
    what: str


@dataclass(frozen=True)
class Test:
    """A test of the other grader, as its author wrote it. It is kept and never run."""

    name: str
    source: str
    where: str
    hidden: bool = False


@dataclass
class Question:
    """What students are asked, and how it was tested.

    Attributes:
        name: the other grader's name for it.
        solutions: numbers of the cells in which it is solved, from 1.
        manual: does a human mark it?
    """

    name: str
    where: str
    points: float
    manual: bool = False
    task: str = ""
    solutions: list[int] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    id: str = ""


@dataclass
class Imported:
    """An assignment of another grader.

    Attributes:
        path: the notebook that was read.
        notebook: as it will be stripped for students, its cells marked with the questions that they answer.
        code: number and source of the cells with code that is not a test, solutions included.
        tests: files with tests, by name, as they are.
    """

    grader: str
    path: Path
    title: str
    notebook: dict[str, Any]
    questions: list[Question] = field(default_factory=list)
    code: list[tuple[int, str]] = field(default_factory=list)
    tests: dict[str, bytes] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, where: str, what: str) -> None:
        """Note what is not carried over."""
        if (left := Left(where, what)) not in self.left:
            self.left.append(left)

    def name_questions(self) -> None:
        """Give each an id of ours, of its own."""
        taken: set[str] = set()
        for number, question in enumerate(self.questions, start=1):
            plain = slug(question.name) or f"question-{number}"
            names = itertools.chain([plain], (f"{plain}-{n}" for n in itertools.count(2)))
            question.id = next(name for name in names if name not in taken)
            taken.add(question.id)


def slug(text: str) -> str:
    """As an id of ours: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")


def cell_number(where: str) -> int:
    """Of `cell 7`; what stands in no cell comes last."""
    found = re.match(r"cell (\d+)", where)
    return int(found[1]) if found else 1_000_000


def find_notebook(path: Path) -> Path:
    """The notebook itself, or the only one in a folder.

    Raises:
        UsageError: there is none, or more than one.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.ipynb"))
    if len(found) != 1:
        listed = ": " + ", ".join(each.name for each in found[:5]) if found else ""
        raise UsageError(
            f"{path} holds {len(found) or 'no'} notebooks{listed}. An assignment has one: name the notebook to import"
        )
    return found[0]


def number_cells(notebook: dict[str, Any]) -> None:
    """Let each cell keep its number when others are left out."""
    for number, cell in enumerate(notebook["cells"], start=1):
        cell["number"] = number


def require_python(notebook: dict[str, Any], path: Path) -> None:
    """Raises:
    UsageError: it is in another language.
    """
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        told = notebook["metadata"].get(key)
        language = told.get(name) if isinstance(told, dict) else None
        if isinstance(language, str) and language.casefold() not in ("python", "ipython", ""):
            raise UsageError(f"{path}: its language is {language[:40]!r}, and grader marks Python")


def title_of(notebook: dict[str, Any], path: Path) -> str:
    """Its first heading, else the file's name."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and (heading := re.search(r"^#\s+(.+)$", cell["source"], re.MULTILINE)):
            title = heading[1].strip().strip("#").strip()
            if title:
                return title[:120]
    return path.stem.replace("_", " ").replace("-", " ").strip().capitalize() or "Assignment"


def words_of(markdown: str, limit: int = 300) -> str:
    """A question in one line: without solutions, headings, comments and what is too long."""
    try:
        text = re.sub(r"<!--.*?-->", "", strip_text(markdown).text, flags=re.DOTALL)
    except MarkerError:
        return ""  # told with its place when the notebook is stripped
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith(("#", "```", "|"))]
    whole = " ".join(" ".join(lines).split())
    return whole if len(whole) <= limit else f"{whole[:limit].rsplit(' ', 1)[0]} …"


def mark_answer(cell: dict[str, Any], question: Question) -> None:
    """Say that an answer is to be written into this cell. By the object, since ids are given last."""
    cell["metadata"]["grader"] = {"answer": question}


def settle_answers(imported: Imported) -> None:
    """Put the ids where `mark_answer` put the questions."""
    for cell in imported.notebook["cells"]:
        mark = cell["metadata"].get("grader")
        if isinstance(mark, dict) and isinstance(mark.get("answer"), Question):
            cell["metadata"]["grader"] = {"answer": mark["answer"].id}
