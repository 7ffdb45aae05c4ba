"""The plan of a network: which stages of residual blocks it is to have. Read off the reference network, recorded once.

A stage is a run of blocks whose outputs have one shape: so many channels on maps of such a size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

import torch
from pydantic import JsonValue
from torch import nn

from grader.assignment import Assignment, Case, NetworkExercise
from grader.capture import record
from grader.errors import AssignmentError
from grader.graph import Graph
from grader.judge.reference import find_reference
from grader.judge.segments import Segment, segments


@dataclass(frozen=True)
class Stage:
    """Blocks in a row whose outputs have one shape, without the batch: channels, height, width."""

    shape: tuple[int, ...]
    blocks: int


def planned_parameters(assignment: Assignment, exercise: NetworkExercise) -> dict[str, int]:
    """How many parameters the reference network has in each case; empty if any number will do.

    Raises:
        AssignmentError: the reference cannot be found or built.
    """
    if exercise.reference is None or not exercise.exact_parameters:
        return {}
    counts = {}
    for case in exercise.cases:
        try:
            counts[case.title] = count_parameters(assignment, exercise.reference, case.arguments)
        except Exception as error:
            raise AssignmentError(
                f"{assignment.folder / 'assignment.toml'}: exercise {exercise.id}: reference: case {case.title!r}: it "
                f"raises {type(error).__name__}: {error}"
            ) from error
    return counts


def count_parameters(assignment: Assignment, reference: str, arguments: Mapping[str, JsonValue]) -> int:
    """How many parameters a reference network has that is built with these arguments; it raises what that raises."""
    return sum(parameter_sizes(assignment, reference, arguments).elements())


def parameter_sizes(assignment: Assignment, reference: str, arguments: Mapping[str, JsonValue]) -> Counter[int]:
    """How many parameters of each number of elements it has."""
    with torch.device("meta"):  # the largest have hundreds of megabytes
        network = find_reference(assignment.folder, reference)(**arguments)
    return Counter(parameter.numel() for parameter in network.parameters())


def stages(found: Iterable[Segment]) -> list[Stage]:
    """The stages that these blocks make."""
    shapes = (tuple(segment.output.shape[1:]) for segment in found)
    return [Stage(shape, len(list(group))) for shape, group in groupby(shapes)]


def blocks_by_channels(found: Iterable[Stage]) -> list[int]:
    """How many blocks in a row give as many channels: how deep each stage is, wherever its maps get smaller."""
    runs = groupby(found, key=lambda stage: stage.shape[0])
    return [sum(stage.blocks for stage in run) for _, run in runs]


def planned_network(assignment: Assignment, exercise: NetworkExercise, case: Case) -> Graph | None:
    """What the reference network of an exercise computes in one case; None if the exercise names no reference.

    Raises:
        AssignmentError: the reference cannot be found, built or run, or has no residual blocks.
    """
    if exercise.reference is None:
        return None
    where = f"{assignment.folder / 'assignment.toml'}: exercise {exercise.id}: reference"
    try:
        network = find_reference(assignment.folder, exercise.reference)(**case.arguments)
        assert isinstance(network, nn.Module)
        recorded = record(network.eval(), torch.zeros(2, *case.input)).graph
    except Exception as error:
        raise AssignmentError(f"{where}: case {case.title!r}: it raises {type(error).__name__}: {error}") from error
    graph = None if recorded is None else Graph.model_validate(recorded)
    if graph is None or not blocks_of(graph):
        raise AssignmentError(f"{where}: case {case.title!r}: no residual blocks are found in it")
    return graph


def blocks_of(graph: Graph) -> list[Segment]:
    """The residual blocks of a network."""
    return [segment for segment in segments(graph) if segment.has_skip]
