"""Archives, most of them hostile. None of them may end a run."""

import io
import json
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.submission import archive as archive_module
from grader.submission import find, read

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def found(*paths: Path) -> list[tuple[str, str, str]]:
    with find(paths) as hand_ins:
        for each in hand_ins:
            if not each.problem:
                read(each)
        return [(each.student, each.file, each.problem) for each in hand_ins]


def found_in(tmp_path: Path, members: dict[str, str | bytes]) -> list[tuple[str, str, str]]:
    path = tmp_path / "class.zip"
    path.write_bytes(zipped(members))
    return found(path)


def problem_of(tmp_path: Path, content: bytes) -> str:
    """What is told to a student with this zip, while the others are graded."""
    (tmp_path / "doe.zip").write_bytes(content)
    (tmp_path / "roe.ipynb").write_text(NOTEBOOK)
    doe, roe = found(tmp_path)
    assert roe == ("roe", "roe.ipynb", "")
    return doe[2]


def test_class_zip(tmp_path: Path) -> None:
    """A zip is read like a folder, and a folder around everything in it is no student."""
    expected = [("doe", "", ""), ("roe", "", "")]
    for members in (
        ["doe.ipynb", "roe.ipynb"],
        ["hw5/doe.ipynb", "hw5/roe.ipynb"],
        ["doe/a.ipynb", "roe/a.ipynb"],
    ):
        got = found_in(tmp_path, dict.fromkeys(members, NOTEBOOK))
        assert [each[0] for each in expected] == [each[0] for each in got]
        assert members == [each[1] for each in got]


def test_zip_per_student(tmp_path: Path) -> None:
    """A zip in a folder, in a student's folder or in the class zip is opened, and stands for its student."""
    own = zipped({"homework/a.ipynb": NOTEBOOK, "homework/data/train.csv": "1"})
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "doe.zip").write_bytes(own)
    (tmp_path / "hw" / "roe").mkdir()
    (tmp_path / "hw" / "roe" / "upload.zip").write_bytes(own)
    expected = [("doe", "doe.zip/homework/a.ipynb", ""), ("roe", "roe/upload.zip/homework/a.ipynb", "")]
    assert expected == found(tmp_path / "hw")
    assert expected == found_in(tmp_path, {"doe.zip": own, "roe/upload.zip": own})


def test_zip_without_a_notebook(tmp_path: Path) -> None:
    """A student's zip without a notebook is told so."""
    assert "the zip holds no notebook" in problem_of(tmp_path, zipped({"essay.pdf": "x"}))


def test_zips_in_zips_in_zips(tmp_path: Path) -> None:
    """Deeper than one zip in a zip is not opened."""
    deep = zipped({"a.zip": zipped({"b.zip": zipped({"a.ipynb": NOTEBOOK})})})
    assert "a zip inside a zip inside a zip" in problem_of(tmp_path, deep)


def test_broken_data_beside_a_notebook(tmp_path: Path) -> None:
    """A broken zip beside a notebook is not the homework."""
    assert found_in(tmp_path, {"doe/a.ipynb": NOTEBOOK, "doe/data.zip": b"PK broken", "roe.ipynb": NOTEBOOK}) == [
        ("doe", "doe/a.ipynb", ""),
        ("roe", "roe.ipynb", ""),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", zipped({"a.ipynb": NOTEBOOK * 50})[:-40], b"PK\x05\x06" + b"\0" * 18]
)
def test_broken(tmp_path: Path, content: bytes) -> None:
    """A broken or empty archive is its student's problem, with a remedy."""
    assert "hand in the notebook itself" in problem_of(tmp_path, content)


def test_broken_class_zip(tmp_path: Path) -> None:
    """A PATH that is a broken zip is a hand-in with a problem as well."""
    (tmp_path / "class.zip").write_bytes(b"broken")
    [(student, file, problem)] = found(tmp_path / "class.zip")
    assert (student, file) == ("class_", "class.zip")
    assert "the zip is broken" in problem


def test_damaged_content(tmp_path: Path) -> None:
    """A member whose bytes do not fit its checksum is not read."""
    content = bytearray(zipped({"a.ipynb": NOTEBOOK}))
    content[45] ^= 0xFF
    assert "the zip is broken" in problem_of(tmp_path, bytes(content))


def test_password(tmp_path: Path) -> None:
    """A zip with a password says so."""
    content = zipped({"a.ipynb": NOTEBOOK})
    directory = content.index(b"PK\x01\x02")
    flagged = content[: directory + 8] + struct.pack("<H", 1) + content[directory + 10 :]
    assert "password" in problem_of(tmp_path, flagged)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_unusual_compression(tmp_path: Path, method: int) -> None:
    """A kind of compression that cannot be unpacked bit by bit is refused."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.ipynb", NOTEBOOK)
    assert "an unusual kind of compression" in problem_of(tmp_path, file.getvalue())


@pytest.mark.parametrize("name", ["../../a.ipynb", "/etc/a.ipynb", "C:\\a.ipynb", "x/../../a.ipynb", "..\\a.ipynb"])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    """A name that leads out of the archive is refused; nothing is written under a member's own name."""
    assert "leads out of the zip" in problem_of(tmp_path, zipped({name: NOTEBOOK}))
    assert {"doe.zip", "roe.ipynb"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    """A member that is a link or a device is refused."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("a.ipynb")
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, "/etc/passwd")
    assert "it is a link or a device" in problem_of(tmp_path, file.getvalue())


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to too much is stopped, by what is really written: one file, one zip, or its ratio."""
    mib = 2**20
    assert "more than 200 times" in problem_of(tmp_path, zipped({"a.ipynb": b"\0" * (6 * mib)}))
    monkeypatch.setattr(archive_module, "MAX_MEMBER", {".ipynb": mib})
    assert "larger than 1 MB" in problem_of(tmp_path, zipped({"a.ipynb": b"\0" * (2 * mib)}))
    monkeypatch.setattr(archive_module, "MAX_ONE_STUDENT", mib)
    several = {f"{number}.ipynb": b"\0" * (mib // 2) for number in range(3)}
    (tmp_path / "doe.zip").write_bytes(zipped(several))
    with find([tmp_path]) as hand_ins:
        assert [each.problem and "more than 1 MB" in each.problem for each in hand_ins] == ["", "", True, ""]
    monkeypatch.setattr(archive_module, "MAX_TOTAL", mib)
    with find([tmp_path]) as hand_ins:
        assert "all zips together" in hand_ins[2].problem


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many members, or too long a table of contents, is refused before memory is filled."""
    many = zipped({f"{number}.txt": "" for number in range(30)})
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 20)
    assert "it holds 30 files" in problem_of(tmp_path, many)
    monkeypatch.setattr(archive_module, "MAX_CONTENTS", 1000)
    assert "table of contents is too long" in problem_of(tmp_path, many)


def test_nothing_is_left(tmp_path: Path) -> None:
    """What was unpacked is there inside the context and gone after it."""
    (tmp_path / "doe.zip").write_bytes(zipped({"a.ipynb": NOTEBOOK}))
    with find([tmp_path]) as hand_ins:
        path = hand_ins[0].path
        assert path.is_file()
    assert not path.exists()


@given(st.data())
def test_mutated_archives(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """No byte changed, lost or added in an archive ever raises."""
    content = bytearray(zipped({"a.ipynb": NOTEBOOK, "b/c.zip": zipped({"d.py": "x = 1"})}))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    folder = tmp_path_factory.mktemp("zip")
    (folder / "doe.zip").write_bytes(bytes(content))
    with find([folder]) as hand_ins:
        assert hand_ins
