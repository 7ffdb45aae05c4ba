"""Look at one exercise of a submission, and judge it."""

from __future__ import annotations

from collections.abc import Mapping

from grader.assignment import Limits, ModuleExercise, NetworkExercise
from grader.blocks import BlockJudge, block_diagnoses
from grader.broken import without_cause, without_library
from grader.checks import checks
from grader.earlier import Earlier
from grader.errors import AssignmentError
from grader.experiments import judge_experiment
from grader.functions import judge_function
from grader.illustrate import illustrate
from grader.judge.examine import Worker
from grader.judge.examined import Examined
from grader.judge.experiment import Experimented, run_experiment
from grader.judge.formula import formula
from grader.judge.functions import Called, call_function
from grader.judge.libraries import missing_library
from grader.judge.seen import Seen
from grader.mistakes import diagnose
from grader.observation import Executed
from grader.observing import observe
from grader.pictures import Pictures
from grader.repeated import Function, nowhere, repeated, with_reason
from grader.right import Right
from grader.scoring import settle
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Status


def look_at(worker: Worker, seen: Seen, executed: Executed, names: list[str], seed: int, limits: Limits) -> None:
    """Ask a student's process for all that one exercise wants to know.

    Args:
        names: under which the exercise may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `seen`.
    """
    if isinstance(seen, Called):
        call_function(worker, seen, executed, names, limits.cell_seconds)
    elif isinstance(seen, Experimented):
        run_experiment(worker, seen, executed, names, limits.cell_seconds)
    else:
        observe(worker, seen, executed, names, seed)


def judge(
    seen: Seen,
    right: Right,
    earlier: dict[str, Earlier],
    function: Function = nowhere,
    *,
    search: bool = True,
    draw: bool = False,
) -> ExerciseReport:
    """The report on one exercise; that on a module is noted in `earlier`, whose mistakes do not cost again."""
    if library := missing_library(seen):
        return without_library(seen.exercise, library)
    if isinstance(seen, Called):
        return judge_function(seen)
    if isinstance(seen, Experimented):
        return judge_experiment(seen)
    report = judge_exercise(seen, right.blocks, earlier, function, search=search, draw=draw)
    earlier[seen.exercise.id] = Earlier(seen, report)
    return report


def judge_exercise(
    examined: Examined,
    blocks: BlockJudge | None = None,
    earlier: Mapping[str, Earlier] | None = None,
    function: Function = nowhere,
    *,
    search: bool = True,
    draw: bool = False,
) -> ExerciseReport:
    """Every check's result, and the mistakes that explain what is wrong.

    Args:
        blocks: judges the blocks of a network; without it they are not looked into.
        earlier: the exercises that were judged before, by id, whose mistakes do not cost again.
        function: in which function a line of the student's code stands.
        search: are the mistakes looked for?
        draw: are pictures made of it?
    """
    exercise = examined.exercise
    if isinstance(exercise, NetworkExercise) and blocks is not None:
        blocks.judge(examined, earlier or {})
    results = [checks()[name].judge(examined, points) for name, points in exercise.points.items()]
    correct = all(result.status is Status.PASSED for result in results)
    diagnoses: list[Diagnosis] = []
    if not correct and search:
        try:
            diagnoses = [*diagnose(examined), *block_diagnoses(examined)]
            is_module = isinstance(exercise, ModuleExercise)
            paid = repeated(diagnoses, earlier or {}, function) if is_module else {}
            results = settle(results, diagnoses, exercise.mistakes, decide=is_module, paid=paid)
            diagnoses = [with_reason(each, paid.get(each.mistake)) for each in diagnoses]
        except AssignmentError:
            raise
        except Exception as error:
            results = [without_cause(result, error) if result.status.wrong else result for result in results]
    pictures = _pictures(examined, results, blocks) if draw else None
    return ExerciseReport.of(exercise, results, diagnoses, formula=_formula(examined), pictures=pictures)


def _pictures(examined: Examined, results: list[CheckResult], blocks: BlockJudge | None) -> Pictures | None:
    """What is drawn of an exercise. A picture that cannot be made is none: it costs nobody a report."""
    try:
        return illustrate(examined, results, blocks.exercises.look_at if blocks is not None else None)
    except Exception:
        return None


def _formula(examined: Examined) -> str:
    """What a module computes in its first case, as its own recording says."""
    graphs = [seen.built.graph for seen in examined.ran if seen.built.graph is not None]
    is_module = isinstance(examined.exercise, ModuleExercise)
    return formula(graphs[0]) if is_module and graphs and graphs[0].is_sound else ""
