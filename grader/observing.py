"""Ask a student's process for all that one exercise wants to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks import asked_probes
from grader.judge.alignment import kept_as_right, kernels_in_matrices
from grader.judge.behaviour import is_rounded
from grader.judge.calls import Convention, as_asked, other_conventions
from grader.judge.examine import Worker, examine, record_again
from grader.judge.examined import Examined
from grader.judge.forms import Form
from grader.judge.network import NOT_RECORDED, TRAINING, Again, RecordedNetwork
from grader.judge.observed import Observation
from grader.judge.roles import Roles
from grader.judge.segments import drops_between_blocks
from grader.observation import Executed

MOST_BLOCKS = 3  # classes that are tried as the block of a network that asks for one
CASES_OF_TWO = 2  # in which a second module is constructed: an identity shortcut has nothing to share, a projection has
CALL_SECONDS = 20.0  # one operation on a student's module; cells have a limit of their own


def observe(worker: Worker, examined: Examined, executed: Executed, names: list[str], seed: int) -> None:
    """Ask a student's process about every case of one exercise.

    Args:
        names: under which the exercise may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `examined`.
    """
    exercise = examined.exercise
    examined.problems = executed.problems
    examined.found = executed.first_callable(names)
    if examined.found is None or exercise.tells_no_case:
        return
    examined.convention = as_asked(exercise)
    _ask_every_case(worker, examined, seed)
    attempts = [(_yield_of(examined), examined.convention, examined.observations)]
    blocks = [name for name, kind in executed.defined.items() if kind == "module class" and name not in names]
    for convention in _other_conventions(examined, blocks):
        examined.convention, examined.observations = convention, []
        _ask_every_case(worker, examined, seed, while_fitting=isinstance(exercise, NetworkExercise))
        attempts.append((_yield_of(examined), convention, examined.observations))
        if examined.fitting == len(exercise.cases):
            break
    # As the task says, unless another way of calling gets more out of it.
    _, examined.convention, examined.observations = max(attempts, key=lambda attempt: attempt[0])
    _ask_every_case(worker, examined, seed)
    if isinstance(exercise, NetworkExercise):
        _test_network(worker, examined, seed)


def _yield_of(examined: Examined) -> tuple[int, int, int, bool]:
    """How much a way of calling the constructor gets out of it: cases of the right shape, that ran, that were built.

    Of two that get equally much, that which goes by the parameters' names is the better.
    """
    built = sum(seen.built.raised is None or seen.built.raised.stage != "constructor" for seen in examined.observations)
    by_name = examined.convention is not None and examined.convention.contradicts
    return examined.fitting, len(examined.ran), built, by_name


def _test_network(worker: Worker, examined: Examined, seed: int) -> None:
    """Does a network do what it was recorded to do, in the first case that has a recording?

    Its blocks are compared without its dropout. Between blocks that is a matter of its design, as its head is, where
    the network is of the student's own design: then all of it is judged without.
    """
    dropout = _free_dropout(examined.exercise)
    if not _has_dropout(examined):
        examined.network = _recorded(worker, examined, dropout)
        return
    recording = _recording(worker, examined, dropout) if dropout else None
    trained = recording[1](TRAINING) if recording is not None else None
    without = replace(examined, observations=[])
    _ask_every_case(worker, without, seed, dropout="network")
    examined.network = _recorded(worker, without, "network")
    if trained is not None and drops_between_blocks(trained):
        examined.observations = without.observations


def _has_dropout(examined: Examined) -> bool:
    """Is dropout all that draws random numbers in training, where the same input gives different outputs?"""
    draws = [draw for seen in examined.ran for answer in seen.unsteady for draw in answer.draws]
    return bool(draws) and all("dropout" in draw.function for draw in draws)


def _recorded(worker: Worker, examined: Examined, dropout: str) -> RecordedNetwork:
    recording = _recording(worker, examined, dropout)
    return RecordedNetwork.of(*recording) if recording is not None else NOT_RECORDED


def _recording(worker: Worker, examined: Examined, dropout: str) -> tuple[Observation, Again] | None:
    """The first case of a network that has a recording, and how to record it again."""
    seen = examined.taken_apart
    if seen is None or examined.found is None or examined.convention is None:
        return None
    call = examined.convention.call(seen.case)
    return seen, partial(record_again, worker, examined.found, seen, call, dropout=dropout, seconds=CALL_SECONDS)


def _ask_every_case(
    worker: Worker, examined: Examined, seed: int, *, while_fitting: bool = False, dropout: str | None = None
) -> None:
    """Ask about the cases that were not asked yet.

    Args:
        while_fitting: no further than to the first that gives another shape than it should: each takes long.
        dropout: where it is free, if not where it always is in this exercise.
    """
    exercise, convention = examined.exercise, examined.convention
    assert examined.found is not None
    assert convention is not None
    roles = Roles()
    for case in exercise.cases[len(examined.observations) :]:
        ask_case = partial(
            examine,
            worker,
            examined.found,
            case,
            asked_probes(exercise, case),
            call=convention.call(case),
            forms=examined.answers.forms(case) if examined.answers is not None else [],
            output_shape=partial(examined.output_shape, case),
            seed=seed,
            seconds=CALL_SECONDS,
            dropout=_free_dropout(exercise) if dropout is None else dropout,
            twice=len(examined.observations) < CASES_OF_TWO,
            record_always=isinstance(exercise, NetworkExercise) and exercise.trunk == "as-reference",
        )
        seen, right = _seen_best(examined, case, ask_case, roles)
        if right is not None and seen.recorded:
            roles.learn(right, seen.slots, seen.keeping, reads=seen.reads)
        else:
            roles.doubt()
            if right is None and seen.registered_unlike_graph:
                seen.by_graph = ask_case(by_registration=False)
        examined.observations.append(seen)
        if while_fitting and examined.fitting < len(examined.observations):
            return


# Other ways to read what a module holds, each tried where it may be the one in which the module is right.
_OTHER_WAYS: tuple[tuple[Callable[[Examined, Observation], object], dict[str, bool]], ...] = (
    (lambda _, seen: kernels_in_matrices(seen), {"positions_first": True}),
    (lambda _, seen: kept_as_right(seen), {"as_right": True}),
    # A table that was computed in float32 is not wrong, as code is not that insists on it: see `examine`.
    (lambda examined, seen: any(is_rounded(seen, form) for form in examined.right_forms(seen)), {"in_float32": True}),
)


def _seen_best(
    examined: Examined, case: Case, ask_case: Callable[..., Observation], roles: Roles
) -> tuple[Observation, Form | None]:
    """What is seen of a case, and the right form that it behaves like, if any: in the likeliest way first, then in
    others."""
    seen = ask_case(roles=roles if roles.tell else None)
    right = examined.right_form(seen)
    if right is None and seen.expected:
        seen = ask_case()
        right = examined.right_form(seen)
    if seen.aligned is None and examined.answers is not None:
        others = examined.answers.others(case, seen)
        if others:
            seen = ask_case(forms=[*examined.answers.forms(case), *others])
            right = examined.right_form(seen)
    for may_be, how in _OTHER_WAYS:
        if right is None and may_be(examined, seen):
            otherwise = ask_case(**how)
            if (found := examined.right_form(otherwise)) is not None:
                seen, right = otherwise, found
    return seen, right


def _free_dropout(exercise: ModuleExercise | NetworkExercise) -> str:
    """Where dropout is free: in the head of a network of the student's own design. The task then names the head and
    leaves open what else is in it."""
    return "head" if isinstance(exercise, NetworkExercise) and exercise.reference is None else ""


def _other_conventions(examined: Examined, blocks: list[str]) -> list[Convention]:
    """Other ways to call the constructor, where the one that the task names does not give what it should."""
    if examined.constructor is None or examined.fitting == len(examined.exercise.cases):
        return []
    defaults = examined.answers.reference.defaults if examined.answers is not None else {}
    return other_conventions(examined.exercise, examined.constructor, blocks[:MOST_BLOCKS], defaults)
