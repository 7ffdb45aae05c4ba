"""What was asked for lately is kept, and no more of it than there may be."""

from __future__ import annotations

from grader.judge.latest import Latest


def made(latest: Latest[list[int]], key: int, size: int) -> bool:
    """Is the value of a key made anew?"""
    calls: list[int] = []
    latest.get(key, lambda: calls.append(key) or [0] * size)
    return bool(calls)


def test_large_values_leave_less_room() -> None:
    latest: Latest[list[int]] = Latest(10, len)
    assert [True, True, True] == [made(latest, key, 3) for key in range(3)]
    assert not made(latest, 0, 3)  # it is the latest now
    assert made(latest, 3, 4)  # 13 in all: the longest unused goes
    assert [False, False, False] == [made(latest, key, 3) for key in (0, 2, 3)]
    assert made(latest, 1, 3)


def test_one_that_is_too_large_is_kept_alone() -> None:
    latest: Latest[list[int]] = Latest(10, len)
    made(latest, 0, 3)
    assert made(latest, 1, 50)
    assert not made(latest, 1, 50)
    assert made(latest, 0, 3)
