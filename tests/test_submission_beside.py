"""Which Python files belong to a notebook: those beside it that are the same student's and that it imports."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from handed_in import cell, notebook

from grader.submission import find, fingerprint, read
from grader.submission.beside import MOST_CHARACTERS, MOST_FILES


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(cell(source=source))) if ".ipynb" in name.lower() else source)
    return root


def taken(path: Path, *, one_student: bool = False) -> dict[str, list[str]]:
    """For each hand-in the files that are taken along."""
    with find([path], one_student=one_student) as hand_ins:
        return {each.student: sorted(read(each).files) for each in hand_ins}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a, b.c as d", ["a.py", "b/__init__.py", "b/c.py"]),
        ("if x:\n    from a import (\n  y)", ["a.py"]),
        ("from b import c", ["b/__init__.py", "b/c.py"]),
        ("from e import f", ["a.py", "e.py"]),
        ("%run a.py", ["a.py"]),
        ("exec(open('a.py').read())", ["a.py"]),
        ("importlib.import_module('a')", ["a.py"]),
        ("x = 1 # nothing is imported", []),
        ("from . import\nimport ,\nfrom .. import a", []),
    ],
)
def test_what_is_imported_is_taken_along(tmp_path: Path, source: str, expected: list[str]) -> None:
    """With what that imports; nothing that lies about, and it makes no difference how the files came."""
    files = {"hw.ipynb": source, "a.py": "", "b/__init__.py": "", "b/c.py": "", "e.py": "import a", "z.py": "1/0"}
    lay_out(tmp_path / "class" / "doe", files)
    assert {"doe": expected} == taken(tmp_path / "class")
    assert {"hw": expected} == taken(tmp_path / "class" / "doe" / "hw.ipynb")
    (tmp_path / "zips").mkdir()
    with zipfile.ZipFile(tmp_path / "zips" / "doe.zip", "w") as archive:
        for path in (tmp_path / "class" / "doe").rglob("*.*"):
            archive.write(path, f"hw5/{path.relative_to(tmp_path / 'class' / 'doe')}")
    assert {"doe": expected} == taken(tmp_path / "zips")


def test_from_a_folder_beside(tmp_path: Path) -> None:
    """`sys.path.append("..")`: what lies in the student's folder is importable, the notebook's own folder first."""
    lay_out(
        tmp_path / "doe", {"notebooks/hw.ipynb": "import a, b", "notebooks/a.py": "near", "a.py": "far", "b.py": ""}
    )
    with find([tmp_path]) as hand_ins:
        assert {"a.py": "near", "b.py": ""} == read(hand_ins[0]).files


def test_a_classmates_file_is_not_taken_along(tmp_path: Path) -> None:
    """Files that lie side by side are of different students, unless it is said that they are one's."""
    lay_out(tmp_path, {"doe.ipynb": "import roe", "roe.py": "secret = 1"})
    assert {"doe": [], "roe": []} == taken(tmp_path)
    assert {"doe": ["roe.py"], "roe": []} == taken(tmp_path, one_student=True)
    lay_out(tmp_path / "class", {"doe/hw.ipynb": "import roe", "roe/roe.py": "secret = 1"})
    assert [] == taken(tmp_path / "class")["doe"]


def test_scripts_import_each_other(tmp_path: Path) -> None:
    """Of a student without a notebook every file counts, and may import the others."""
    lay_out(tmp_path, {"doe/main.py": "from model import x", "doe/model.py": "x = 1"})
    assert {"doe--main": ["model.py"], "doe--model": []} == taken(tmp_path)


def test_too_much_is_left_where_it_is(tmp_path: Path) -> None:
    """As many files and characters as a homework has are taken along; of the rest it is said that they are not."""
    lay_out(tmp_path / "doe", {"hw.ipynb": "import a, b", "a.py": "#" * (MOST_CHARACTERS + 1), "b.py": ""})
    names = [f"m{number:02}" for number in range(MOST_FILES + 2)]
    lay_out(tmp_path / "roe", {"hw.ipynb": f"import {', '.join(names)}", **{f"{name}.py": "" for name in names}})
    with find([tmp_path]) as hand_ins:
        doe, roe = map(read, hand_ins)
    assert {"b.py": ""} == doe.files
    assert "not taken along, because it would be too much: a.py" in doe.repairs
    assert MOST_FILES == len(roe.files)
    assert "not taken along, because it would be too much: m50.py, m51.py" in roe.repairs


def test_links_are_not_taken_along(tmp_path: Path) -> None:
    """They may lead anywhere."""
    lay_out(tmp_path / "doe", {"hw.ipynb": "import a"})
    (tmp_path / "secret").write_text("x = 1")
    os.symlink(tmp_path / "secret", tmp_path / "doe" / "a.py")
    assert {"hw": []} == taken(tmp_path / "doe" / "hw.ipynb")
    with find([tmp_path]) as hand_ins:
        assert all(each.problem or read(each).files == {} for each in hand_ins)


def test_what_is_taken_along_is_part_of_what_was_graded(tmp_path: Path) -> None:
    """A run that goes on grades anew where a file beside the notebook has changed."""
    lay_out(tmp_path / "doe", {"hw.ipynb": "import a", "a.py": "x = 1"})

    def seen() -> str:
        with find([tmp_path]) as hand_ins:
            return fingerprint(hand_ins[0])

    before = seen()
    assert before == seen()
    (tmp_path / "doe" / "a.py").write_text("x = 2")
    assert before != seen()


@pytest.mark.parametrize("name", ["hw.ipynb.txt", "hw.ipynb.json", "HW.IPYNB.TXT", "hw.py.txt"])
def test_saved_under_another_name(tmp_path: Path, name: str) -> None:
    """Browsers and Windows put an ending behind the name; it is the same file, and that is said."""
    lay_out(tmp_path, {name: "x = 1"})
    with find([tmp_path]) as hand_ins:
        submission = read(hand_ins[0])
    assert "hw" == submission.student.lower()
    assert "x = 1" == submission.cells[0].source
    assert any("the file's name ends in another way than" in each for each in submission.repairs)


def test_what_may_be_meant_as_a_hand_in_is_named(tmp_path: Path) -> None:
    """Of a flat class nobody is lost without a word; the course's own files are no students."""
    lay_out(
        tmp_path, {"doe.ipynb": "", "li_1_2.pdf": "", "wu.rar": "", "README.md": "", "grader.toml": "", "g.csv": ""}
    )
    left_out: list[str] = []
    with find([tmp_path], left_out=left_out) as hand_ins:
        assert ["doe"] == [each.student for each in hand_ins]
    assert ["li_1_2.pdf", "wu.rar"] == left_out


def test_moodles_text_beside_a_file_is_no_hand_in(tmp_path: Path) -> None:
    """Who wrote into Moodle's text field, too, handed in once; who did nothing else, handed in no notebook."""
    text, file = "_assignsubmission_onlinetext_/onlinetext.html", "_assignsubmission_file_/hw.ipynb"
    lay_out(tmp_path, {f"Doe_1{text}": "", f"Doe_1{file}": "", f"Roe_2{text}": ""})
    with find([tmp_path]) as hand_ins:
        assert ["Doe_1_assignsubmission_file_", "Roe_2_assignsubmission_onlinetext_"] == [h.student for h in hand_ins]
