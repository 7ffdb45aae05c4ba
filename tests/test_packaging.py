"""`pip install .` gives a grader that can grade: the assignments and references travel in the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.assignment import shipped_assignments

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run = subprocess.run(build, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert 0 == run.returncode, run.stderr
    return next(folder.glob("grader-*.whl"))


def test_everything_that_git_keeps_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    kept = subprocess.run(
        ["git", "ls-files", "grader", "assignments", "reference"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if kept.returncode:
        pytest.skip("this is no git checkout")
    expected = {
        name if name.startswith("grader/") else f"grader/shipped/{name}"
        for name in kept.stdout.splitlines()
        if (ROOT / name).exists()
    }
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {"grader/shipped/reference/residual.py", "grader/formats/templates/feedback.html.j2"} <= packed
    assert set() == expected - packed


def test_the_wheel_holds_no_tests_and_one_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {"grader"} == {top for top in tops if not top.endswith(".dist-info")}
    points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "grader = grader.__main__:main" in archive.read(points).decode()


def test_what_is_unpacked_finds_its_assignments(wheel: Path, tmp_path: Path) -> None:
    """From any folder, without the checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from grader.assignment import shipped_assignments, shipped_folder\n"
        "print(*shipped_assignments(), shipped_folder('reference'))"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env={}, capture_output=True, encoding="utf-8", check=False
    )
    assert f"{' '.join(shipped_assignments())} {tmp_path}/site/grader/shipped/reference" == run.stdout.strip(), (
        run.stderr
    )


def test_an_autograder_that_the_wheel_exports_is_that_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """To the byte: dependencies, pinned versions, references and the package itself travel in the wheel."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    zips = []
    for home in (tmp_path / "site", ROOT):
        target = tmp_path / f"{home.name}.zip"
        command = [sys.executable, "-m", "grader", "export", "gradescope", "residual-quiz", "--output", str(target)]
        run = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert 0 == run.returncode, run.stderr
        archive = zipfile.ZipFile(target)
        zips.append({name: archive.read(name) for name in archive.namelist()})
    assert sorted(zips[1]) == sorted(zips[0])
    assert [] == [name for name, content in zips[1].items() if content != zips[0][name]]
