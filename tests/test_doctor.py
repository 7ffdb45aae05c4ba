"""The doctor sees what holds and, above all, what does not: every line can turn red.

Walls are broken on purpose here: none at all, limits that are lifted, a filter that lacks a rule.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import grader.doctor
from grader.cli import app
from grader.doctor import Checkup, Status, checkup
from grader.doctor.checkup import try_protection
from grader.doctor.findings import Machine, Protection, WallFound
from grader.doctor.ground import Ground, laid_out
from grader.doctor.trials import Trial, trials
from grader.doctor.trials._trial import Facts, Found
from grader.errors import WallError
from grader.sandbox import Isolation, SessionLimits, choose, identity, isolation, policy

ROOT = Path(__file__).parent.parent
BY_ID = {trial.id: trial for trial in trials()}
HEAVY = {trial.id for trial in trials() if trial.heavy}
KEPT_WITHOUT_A_WALL = {"answer", "forged-answers", "output-limit", "deadline", "descriptors", "daemons"}
WEAKER_BEHIND_LANDLOCK = {"namespaces", "other-processes", "files-unreadable", "disk-limit", "file-count", "privileges"}


@pytest.fixture(scope="module")
def grounds() -> Iterator[dict[str, Ground]]:
    """What this machine can build, none at all, and one whose filter lacks two rules; started at the same time."""
    with contextlib.ExitStack() as stack:
        grounds = {}
        for kind in ("bwrap", "landlock"):
            with contextlib.suppress(WallError):
                grounds[kind] = stack.enter_context(laid_out(choose(kind)))
        grounds["none"] = stack.enter_context(laid_out(Isolation.NONE))
        with contextlib.suppress(WallError), pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy, "_NEVER", [name for name in policy._NEVER if name != "keyctl"])
            patch.setattr(policy, "_NOT_INSIDE", [name for name in policy._NOT_INSIDE if name != "unshare"])
            patch.setattr(policy, "_AF_UNIX", 16)  # netlink in place of what is local
            policy.outer.cache_clear()
            policy.inner.cache_clear()
            grounds["full of holes"] = stack.enter_context(laid_out(choose("bwrap")))
        policy.outer.cache_clear()
        policy.inner.cache_clear()
        yield grounds


def ground(grounds: dict[str, Ground], name: str) -> Ground:
    if name not in grounds:
        pytest.skip(f"this machine cannot build the wall {name}")
    return grounds[name]


def test_every_trial_is_told_apart() -> None:
    assert len(BY_ID) == len(trials())
    assert all(trial.id.islower() and trial.title and trial.remedy for trial in trials())


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_a_wall_that_stands_is_found_to_hold(grounds: dict[str, Ground], kind: str) -> None:
    """Each protection by evidence; behind Landlock some are weaker, and never without being named."""
    here = ground(grounds, kind)
    found = {trial.id: try_protection(trial, here) for trial in trials()}
    allowed = WEAKER_BEHIND_LANDLOCK if kind == "landlock" else set()
    bad = [
        each
        for name, each in found.items()
        if each.status is not Status.HOLDS and not (each.status is Status.WEAKER and name in allowed)
    ]
    assert [] == bad
    assert (kind == "landlock") == (found["namespaces"].status is Status.WEAKER)
    assert all(each.remedy is None and each.seen for each in found.values())


def test_without_a_wall_the_lines_are_red(grounds: dict[str, Ground]) -> None:
    """What the wall keeps is off, what does harm is not tried, and each says how to get a wall."""
    found = {trial.id: try_protection(trial, grounds["none"]) for trial in trials()}
    assert set(found) - HEAVY - KEPT_WITHOUT_A_WALL == {
        name for name, each in found.items() if each.status is Status.OFF
    }
    assert HEAVY == {name for name, each in found.items() if each.status is Status.NOT_TRIED}
    assert all("--isolation none" in (each.remedy or "") for each in found.values() if each.status is not Status.HOLDS)


def test_a_rule_that_is_missing_is_named(grounds: dict[str, Ground]) -> None:
    here = ground(grounds, "full of holes")
    calls = try_protection(BY_ID["system-calls"], here)
    assert (Status.OFF, "allowed: unshare, keyctl") == (calls.status, calls.seen)
    assert "libseccomp" in (calls.remedy or "")
    network = try_protection(BY_ID["network"], here)
    assert (Status.OFF, "sockets can be made: netlink") == (network.status, network.seen)


@pytest.mark.parametrize(
    ("name", "lifted", "seen"),
    [
        ("process-limit", {"processes": 4096}, "100 processes were started where 24 are allowed"),
        ("memory-at-once", {"memory_mib": 1 << 16}, "4 GiB were given where 384 MiB are allowed"),
        ("memory-growth", {"memory_mib": 1 << 16}, "grew to 896 MiB"),
        ("memory-together", {"memory_mib": 1 << 16}, "not stopped with 5 × 160 MiB"),
        ("disk-limit", {"scratch_mib": 512}, "320 MiB were written where 48 are allowed"),
        ("file-count", {"inodes": 100_000}, "45000 files were made where 2000 are allowed"),
        ("output-limit", {"output_bytes": 1 << 20}, "1024 KiB were kept where 64 are allowed"),
    ],
)
def test_a_limit_that_is_lifted_is_named(
    grounds: dict[str, Ground], name: str, lifted: dict[str, Any], seen: str
) -> None:
    here = ground(grounds, "bwrap")
    broken = replace(here, session=lambda limits: here.session(replace(limits, **lifted)))
    found = try_protection(BY_ID[name], broken)
    assert Status.OFF is found.status, found
    assert seen in found.seen
    assert found.remedy


def test_nothing_heavy_is_done_in_the_graders_own_process_namespace(
    grounds: dict[str, Ground], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wall that says it is bubblewrap's, and is not: the cell looks, and stops before it forks or fills."""
    monkeypatch.setattr("grader.doctor.checkup.available_mib", lambda: 1 << 20)  # with little, nothing is tried at all
    pretended = replace(grounds["none"], isolation=Isolation.BWRAP)
    for name in HEAVY:
        found = try_protection(BY_ID[name], pretended)
        assert Status.NOT_TRIED is found.status, found
        assert "own process namespace" in found.seen


HOLES: list[tuple[str, Facts]] = [
    ("forged-answers", Facts({"begun": True})),
    ("deadline", Facts({"begun": True}, ended="", seconds=6.0)),
    ("deadline", Facts({"begun": True}, ended="StudentTimedOut", seconds=5.5)),
    ("network", Facts({"reached": [], "made": [], "arrivals": 1})),
    ("network", Facts({"reached": ["IPv6"], "made": [], "arrivals": 0})),
    ("local-sockets", Facts({"file": "OSError", "abstract": "done", "arrivals": 0})),
    ("files-unreadable", Facts({"read": ["/etc/passwd"], "seen": False, "names": {}})),
    ("files-unreadable", Facts({"read": [], "seen": False, "names": {"/somewhere": ["answers.ipynb"]}})),
    ("files-read-only", Facts({"written": ["/dev"], "scratch": "done"})),
    ("files-read-only", Facts({"written": [], "scratch": "OSError"})),
    ("grader-hidden", Facts({"imported": [], "read": [], "there": ["wire.py", "pipeline.py"]})),
    ("environment", Facts({"looked": 2, "leaks": ["its own"]})),
    ("descriptors", Facts({"open": {"0": "/dev/null", "7": "socket:[1]"}})),
    ("privileges", Facts({"uid": 1000, "seccomp": 2, "no_new_privileges": 1, "capabilities": ["CapEff"]})),
    ("privileges", Facts({"uid": 1000, "seccomp": 0, "no_new_privileges": 1, "capabilities": []})),
    ("privileges", Facts({"uid": 1000, "seccomp": 2, "no_new_privileges": 0, "capabilities": []})),
    ("system-calls", Facts({"tried": 3, "allowed": [], "typing": False})),
    ("other-processes", Facts({"signalled": [7], "read": [], "listed": [], "seen": [], "first": 1})),
    ("other-processes", Facts({"signalled": [], "read": ["/proc/7/mem"], "listed": [], "seen": [], "first": 1})),
    ("other-processes", Facts({"signalled": [], "read": [], "listed": [], "seen": [7], "first": 1})),
    ("process-limit", Facts({"born": 33})),
    ("daemons", Facts({"before": 1, "after": 1})),
    ("sessions-apart", Facts({"waited": False, "read": [], "signalled": [], "listed": []})),
    ("sessions-apart", Facts({"waited": True, "read": [], "signalled": [9], "listed": []})),
    ("memory-at-once", Facts({"tensor": "RuntimeError", "mapping": "done"})),
    ("disk-limit", Facts({"mib": 60}, ended="StudentDied")),
    ("file-count", Facts({"made": 9000})),
]


@pytest.mark.parametrize(("name", "facts"), HOLES)
def test_the_facts_of_a_hole_are_judged_off(grounds: dict[str, Ground], name: str, facts: Facts) -> None:
    """Behind bubblewrap, which promises all of it."""
    assert Status.OFF is BY_ID[name].judge(facts, replace(grounds["none"], isolation=Isolation.BWRAP)).status


@pytest.mark.parametrize("name", sorted({name for name in BY_ID if name != "namespaces"}))
def test_what_was_not_told_is_not_said_to_hold(grounds: dict[str, Ground], name: str) -> None:
    """Silence is no evidence."""

    class Silent(type(BY_ID[name])):  # type: ignore[misc]
        def attempt(self, ground: Ground) -> Facts:
            return Facts({}, problem="NameError: name 'tell' is not defined")

    found = try_protection(Silent(), replace(grounds["none"], isolation=Isolation.BWRAP))
    assert Status.NOT_TRIED is found.status
    assert "NameError" in found.seen


def test_a_trial_that_breaks_or_finds_no_memory_was_not_tried(
    grounds: dict[str, Ground], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(limits: SessionLimits) -> Any:
        raise WallError("the process behind the wall is gone")

    here = replace(grounds["none"], isolation=Isolation.BWRAP)
    assert "is gone" in try_protection(BY_ID["network"], replace(here, session=lost)).seen
    monkeypatch.setattr(checkup, "available_mib", lambda: 100)
    found = try_protection(BY_ID["memory-growth"], here)
    assert (Status.NOT_TRIED, True) == (found.status, "100 are free" in found.seen)


# The whole of it.


class Holding(Trial):
    id, title = "holding", "Holding"

    def source(self, ground: Ground) -> str:
        return "tell(fine=True)"

    def judge(self, facts: Facts, ground: Ground) -> Found:
        return Found(Status.HOLDS if facts["fine"] else Status.OFF, "so it was")


def test_a_checkup_from_beginning_to_end(grounds: dict[str, Ground], monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine, walls, progress and what was tried are there."""
    monkeypatch.setattr(checkup, "trials", lambda: (Holding(),))
    monkeypatch.setattr(checkup, "laid_out", lambda wall: contextlib.nullcontext(grounds[wall.value]))
    seen: list[str] = []
    found = grader.doctor.examine("none", "cpu", seen.append)
    assert ("none", True, "cpu") == (found.isolation, found.ok, found.machine.device)
    assert ["holding"] == [each.id for each in found.protections]
    assert ["bwrap", "landlock"] == [wall.name for wall in found.walls]
    assert "Holding" in seen
    assert Checkup.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("where", ["choose", "laid_out"])
def test_a_wall_that_cannot_be_built_is_a_finding(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Not an error: walls, remedies and the machine are told all the same."""

    def refuse(wanted: str) -> Any:
        raise WallError("no wall today")

    monkeypatch.setattr(checkup, where, refuse)
    found = grader.doctor.examine("none", "cpu", lambda text: None)
    assert (None, False, "no wall today", [], 3) == (
        found.isolation, found.ok, found.problem, found.protections, found.exit_code
    )  # fmt: skip


# How it is told.

MACHINE = Machine(
    python="3.11.7", torch="2.13.0", kernel="6.12", architecture="x86_64", cores=2, memory_mib=8000,
    cgroups="none", root=False, bubblewrap="0.8.0", landlock_abi=6, device="cpu", gpu=None,
)  # fmt: skip


def a_checkup(wall: str | None, **statuses: Status) -> Checkup:
    protections = [
        Protection(
            id=name,
            title=name.capitalize(),
            status=status,
            seen=f"{name} [bold] \x1b[31m was looked at",
            remedy="sudo repair it" if status is Status.OFF else None,
        )
        for name, status in statuses.items()
    ]
    walls = [
        WallFound(name="bwrap", available=False, problem="it is not installed", remedy="install it"),
        WallFound(name="landlock", available=True),
    ]
    ok = wall is not None and all(status in (Status.HOLDS, Status.WEAKER) for status in statuses.values())
    return Checkup.model_validate(
        {
            "grader_version": "0.1.0", "isolation": wall, "ok": ok, "walls": walls, "protections": protections,
            "machine": MACHINE, "problem": None if wall else "nothing can be built",
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        (a_checkup("bwrap", network=Status.HOLDS), 0, "✓ The full wall stands"),
        (a_checkup("landlock", network=Status.WEAKER), 0, "! The weaker wall stands"),
        (a_checkup("bwrap", network=Status.OFF, files=Status.HOLDS), 1, "✗ Of 2 protections: 1 off."),
        (a_checkup("bwrap", network=Status.NOT_TRIED), 1, "1 not tried"),
        (a_checkup("none", network=Status.OFF), 1, "✗ Without a wall"),
        (a_checkup(None), 3, "✗ No wall stands here, so nothing is graded. nothing can be built"),
    ],
)
def test_exit_codes_and_words(monkeypatch: pytest.MonkeyPatch, found: Checkup, code: int, says: str) -> None:
    """The same code in both formats; JSON alone on standard output, and a text without escapes in a pipe."""
    monkeypatch.setattr(grader.doctor, "examine", lambda *arguments: found)
    text = CliRunner().invoke(app, ["doctor"])
    assert (code, True) == (text.exit_code, says in text.stdout), text.output
    assert "install it" in text.stdout
    assert "\x1b" not in text.stdout
    for each in found.protections:
        assert f"{each.title}" in text.stdout
        assert (each.remedy or "") in text.stdout
    data = CliRunner().invoke(app, ["doctor", "--format", "json"])
    assert (code, found.model_dump(mode="json")) == (data.exit_code, json.loads(data.stdout))


def test_the_names_in_json_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other people's scripts read them."""
    found = json.loads(a_checkup("bwrap", network=Status.NOT_TRIED).model_dump_json())
    assert found["protections"][0]["status"] == "not_tried"
    assert list(found) == [
        "schema_version", "grader_version", "isolation", "ok", "problem", "walls", "protections", "machine"
    ]  # fmt: skip
    assert list(found["protections"][0]) == ["id", "title", "status", "seen", "remedy"]
    assert list(found["walls"][0]) == ["name", "available", "problem", "remedy"]


def test_the_manual_names_every_protection() -> None:
    manual = (ROOT / "docs" / "cli.md").read_text()
    assert [] == [name for name in BY_ID if f"`{name}`" not in manual]


# Remedies.


@pytest.mark.parametrize(
    ("setting", "value", "said", "remedy"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "bwrap: setting up uid map: Permission denied",
         "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "No permissions", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "ENOSPC", "sysctl -w user.max_user_namespaces="),
        ("user/max_user_namespaces", "9", "Can't mount proc on /newroot/proc", "systempaths=unconfined"),
        ("user/max_user_namespaces", "9", "No permissions to create new namespace", "seccomp=unconfined"),
    ],
)  # fmt: skip
def test_the_setting_that_is_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str, said: str, remedy: str
) -> None:
    (tmp_path / setting).parent.mkdir()
    (tmp_path / setting).write_text(f"{value}\n")
    monkeypatch.setattr(isolation, "_SETTINGS", str(tmp_path))
    monkeypatch.setattr(identity, "must_drop", lambda: True)
    assert remedy in isolation._remedy(said)
    monkeypatch.setattr(identity, "must_drop", lambda: False)
    monkeypatch.setattr(isolation.os, "geteuid", lambda: 0)
    assert "--user 1000:1000" in isolation._remedy(said)


def test_root_without_its_powers_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that drops every capability: no wall, said once, with what to do."""
    monkeypatch.setattr(identity, "missing_powers", lambda: ["CAP_SETUID"])
    isolation.bwrap_problem.cache_clear()
    try:
        with pytest.raises(WallError, match=r"CAP_SETUID[\s\S]*--user 1000:1000") as refused:
            choose("auto")
    finally:
        isolation.bwrap_problem.cache_clear()
    assert 1 == str(refused.value).count("CAP_SETUID")


def test_root_needs_its_powers_only_to_become_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_capabilities", lambda: 1 << 7)
    monkeypatch.setattr(identity, "must_drop", lambda: False)
    assert [] == identity.missing_powers()
    monkeypatch.setattr(identity, "must_drop", lambda: True)
    assert ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETGID"] == identity.missing_powers()


@pytest.mark.parametrize(
    ("program", "command"), [("dnf", "sudo dnf install bubblewrap"), ("apk", "apk add bubblewrap")]
)
def test_the_package_manager_that_is_here_is_named(monkeypatch: pytest.MonkeyPatch, program: str, command: str) -> None:
    monkeypatch.setattr(isolation.shutil, "which", lambda name: name if name == program else None)
    assert f"    {command}" == isolation.how_to_install()


@pytest.mark.parametrize("counts", [True, False])
def test_a_wall_that_cannot_limit_processes_is_refused(monkeypatch: pytest.MonkeyPatch, counts: bool) -> None:
    """Where the machine's root is the only user there is, a bomb of processes would not be stopped."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "must_drop", lambda: False)
    monkeypatch.setattr(identity, "processes_count", lambda: counts)
    monkeypatch.setattr(isolation, "landlock_abi", lambda: 7)
    problem = isolation.landlock_problem()
    assert counts == (problem is None)
    assert problem is None or "a limit on processes does not count" in problem.what
