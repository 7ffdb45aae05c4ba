"""Which wall is built, what is said where there is none, and a warm process that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from inside import is_alive

from grader.errors import UsageError, WallError
from grader.sandbox import Isolation, Zygote, choose, isolation, layout


@pytest.mark.heavy
def test_a_lost_zygote_is_our_fault_and_can_be_replaced() -> None:
    """When the warm process dies the student is not blamed, and a restart helps."""
    with Zygote.start(Isolation.NONE) as zygote:
        with zygote.session() as session:
            assert is_alive(session)
            zygote._process.kill()
            zygote._process.wait()
            with pytest.raises(WallError):
                is_alive(zygote.session())
        zygote.restart()
        with zygote.session() as session:
            assert is_alive(session)


def test_a_missing_bubblewrap_comes_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for bwrap, a machine without it says how to install it."""
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    isolation.bwrap_problem.cache_clear()
    try:
        with pytest.raises(WallError, match="sudo apt-get install bubblewrap"):
            choose("bwrap")
    finally:
        isolation.bwrap_problem.cache_clear()


@pytest.mark.parametrize(
    ("bwrap", "landlock", "expected"),
    [
        (None, None, Isolation.BWRAP),
        ("no", None, Isolation.LANDLOCK),
        (None, "no", Isolation.BWRAP),
    ],
)
def test_auto_takes_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, bwrap: str | None, landlock: str | None, expected: Isolation
) -> None:
    """Bubblewrap when it works, else Landlock."""
    monkeypatch.setattr(isolation, "bwrap_problem", lambda: bwrap)
    monkeypatch.setattr(isolation, "landlock_problem", lambda: landlock)
    assert choose("auto") is expected


def test_without_any_wall_the_run_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail closed: `none` is never chosen, only asked for."""
    monkeypatch.setattr(isolation, "bwrap_problem", lambda: "no bubblewrap here")
    monkeypatch.setattr(isolation, "landlock_abi", lambda: 3)
    with pytest.raises(WallError, match=r"no bubblewrap here[\s\S]*ABI 6[\s\S]*ABI 3[\s\S]*--isolation none"):
        choose("auto")
    assert choose("none") is Isolation.NONE
    with pytest.raises(UsageError, match="maybe"):
        choose("maybe")


def test_rules_leave_a_hole_around_what_is_hidden(tmp_path: Path) -> None:
    """Every neighbour of a hidden folder is allowed by itself; the folders above may only be listed."""
    for name in ("site/torch", "site/grader/judge", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "site/six.py").touch()
    site = str(tmp_path / "site")
    readable, listable = layout.readable_rules((site, str(tmp_path / "other")), (f"{site}/grader",))
    assert readable == sorted([f"{site}/six.py", f"{site}/torch", str(tmp_path / "other")])
    assert listable == [site]
