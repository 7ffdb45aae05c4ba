"""The family of formats: members are the files of the folder, and what they write is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_formats_samples import RUN, right

import grader.formats
from grader.formats import Format, formats
from grader.whole import replacing

FOLDER = Path(grader.formats.__file__).parent


def test_members_are_the_files() -> None:
    """Every file that does not begin with `_` is one format, and carries its name."""
    files = {path.stem for path in FOLDER.glob("*.py") if not path.name.startswith("_")}
    assert files == set(formats())
    assert {name: form.id for name, form in formats().items()} == {name: name for name in files}
    assert all(isinstance(form, Format) for form in formats().values())


@pytest.mark.parametrize("body", ["", "class A(Format): id='x'\nclass B(Format): id='y'\n"])
def test_a_file_without_exactly_one_format_is_refused(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that was forgotten, or two in one file, is an error and not silence."""
    (tmp_path / "odd_member.py").write_text("from grader.formats._format import Format\n" + body)
    monkeypatch.setattr(grader.formats, "__path__", [str(tmp_path)])
    monkeypatch.setattr(grader.formats, "format_names", lambda: ["odd_member"])
    with pytest.raises(TypeError, match=r"odd_member\.py: expected exactly one Format, found [02]"):
        formats.__wrapped__()


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    """What fails half-way leaves the old file and nothing beside it."""
    path = tmp_path / "new" / "page.html"
    with replacing(path) as file:
        file.write("old\n")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(f"new {1 / 0}")
    assert path.read_bytes() == b"old\n"
    assert list(path.parent.iterdir()) == [path]


def test_files_can_be_read_by_those_whom_the_umask_allows(tmp_path: Path) -> None:
    """A report is as readable as any other file, not private as a temporary one."""
    (tmp_path / "plain").write_text("")
    with replacing(tmp_path / "report"):
        pass
    assert (tmp_path / "report").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_pages_of_two_students_never_share_a_file(tmp_path: Path) -> None:
    """`anna` has a notebook page; a student `anna-notebook` keeps their own feedback."""
    report, submission = right()
    for student in ("anna", "anna-notebook", "anna.notebook"):
        one = report.model_copy(update={"student": student})
        formats()["html"].write_student(tmp_path, RUN, one, submission)
    pages = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(pages) == 6
    for page in pages:
        assert f"<bdi>{page.stem}</bdi>" in page.read_text(encoding="utf-8")
