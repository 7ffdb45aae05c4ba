"""One run of `grader doctor`: which walls can be built, then every protection of the chosen one."""

from __future__ import annotations

from collections.abc import Callable

import grader
from grader.doctor.findings import Checkup, Machine, Protection, Status, WallFound
from grader.doctor.ground import Ground, laid_out
from grader.doctor.machine import available_mib, describe_machine
from grader.doctor.trials import Trial, execute, trials
from grader.errors import GraderError, WallError
from grader.sandbox import Isolation, SessionLimits, choose
from grader.sandbox.isolation import Problem, bwrap_problem, landlock_problem

_NONE_ASKED = "No wall was asked for. To grade what others wrote, leave out --isolation none."


def examine(isolation: str, device: str, progress: Callable[[str], None]) -> Checkup:
    """Try everything that the wall called `isolation` promises.

    Raises:
        UsageError: a wall or a device is asked for that there is not.
    """
    progress("Looking at the machine")
    walls = [_wall("bwrap", bwrap_problem()), _wall("landlock", landlock_problem())]
    try:
        chosen = choose(isolation)
    except WallError as error:
        return _without_wall(str(error), walls, describe_machine(device))
    progress(f"Starting a process behind the wall ({chosen})")
    try:
        with laid_out(chosen) as ground:
            machine = describe_machine(device)  # imports torch while the zygote does
            with ground.session(SessionLimits()) as session:
                execute(session, "")
            protections = []
            for trial in trials():
                progress(trial.title)
                protections.append(try_protection(trial, ground))
    except WallError as error:
        return _without_wall(str(error), walls, describe_machine(device))
    return Checkup(
        grader_version=grader.__version__,
        isolation=chosen.value,
        ok=all(each.status in (Status.HOLDS, Status.WEAKER) for each in protections),
        walls=walls,
        protections=protections,
        machine=machine,
    )


def try_protection(trial: Trial, ground: Ground) -> Protection:
    """Try one; what does not come to an end as foreseen was not tried, and is not said to hold."""
    if trial.heavy and ground.isolation is Isolation.NONE:
        return _protection(trial, Status.NOT_TRIED, "would not be harmless without a wall", _NONE_ASKED)
    if trial.needs_mib > (available := available_mib()):
        seen = f"takes {trial.needs_mib} MiB of memory, and {available} are free"
        return _protection(trial, Status.NOT_TRIED, seen, "Free some memory, or give the container more.")
    try:
        facts = trial.attempt(ground)
    except GraderError as error:
        return _protection(trial, Status.NOT_TRIED, f"the trial broke: {error}", "Try again.")
    try:
        found = trial.judge(facts, ground)
    except KeyError as error:
        seen = f"the trial did not tell {error}: {facts.problem or facts.ended or 'no reason is known'}"
        return _protection(trial, Status.NOT_TRIED, seen, "Try again.")
    if found.status is not Status.OFF:
        return _protection(trial, found.status, found.seen, None)
    return _protection(
        trial, Status.OFF, found.seen, _NONE_ASKED if ground.isolation is Isolation.NONE else trial.remedy
    )


def _protection(trial: Trial, status: Status, seen: str, remedy: str | None) -> Protection:
    return Protection(id=trial.id, title=trial.title, status=status, seen=seen, remedy=remedy)


def _wall(name: str, problem: Problem | None) -> WallFound:
    kind = "bwrap" if name == "bwrap" else "landlock"
    if problem is None:
        return WallFound(name=kind, available=True)
    return WallFound(name=kind, available=False, problem=problem.what, remedy=problem.remedy)


def _without_wall(problem: str, walls: list[WallFound], machine: Machine) -> Checkup:
    return Checkup(
        grader_version=grader.__version__,
        isolation=None,
        ok=False,
        problem=problem,
        walls=walls,
        protections=[],
        machine=machine,
    )
