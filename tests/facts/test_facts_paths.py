"""What the assignments gradient-flow and ensemble-view call right and wrong is so."""

from __future__ import annotations

import torch

from grader.assignment import PredictExercise, find_assignment
from grader.judge.reference import find_reference


def reference(assignment: str, name: str):  # type: ignore[no-untyped-def]
    return find_reference(find_assignment(assignment).folder, name)


def value(assignment: str, exercise: str) -> object:
    found = next(each for each in find_assignment(assignment).exercises if each.id == exercise)
    assert isinstance(found, PredictExercise)
    return found.value


def test_a_stack_of_linear_blocks_is_the_sum_over_its_paths() -> None:
    """Veit 2016, section 3: what gradient-flow's short way computes is what the shipped `unravelled` adds up."""
    weights, x = torch.randn(4, 3, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    branches = [torch.nn.Linear(3, 3, bias=False, dtype=torch.float64) for _ in weights]
    for branch, weight in zip(branches, weights, strict=True):
        branch.weight.data.copy_(weight)
    paths = reference("ensemble-view", "ensemble:unravelled")(branches, x[None])[0]
    torch.testing.assert_close(reference("ensemble-view", "paths:unravelled")(weights, x), paths)


def test_the_mean_length_of_a_path() -> None:
    counts = reference("ensemble-view", "ensemble:path_lengths")(54)
    assert value("ensemble-view", "mean") == sum(k * count for k, count in enumerate(counts)) / sum(counts)


def test_a_tenth_of_the_gradient_is_left() -> None:
    left = torch.linalg.svdvals(torch.eye(3) - 0.9 * torch.eye(3))
    torch.testing.assert_close(left, torch.full((3,), float(str(value("gradient-flow", "tenth")))))


def test_the_bound_holds_and_is_not_one() -> None:
    """He 2016, section 2, makes no promise of 1: what is left of a gradient may be less."""
    smallest = reference("gradient-flow", "flow:smallest_singular_value")
    bound = reference("gradient-flow", "flow:lower_bound")
    jacobians = [scale * torch.randn(4, 4, dtype=torch.float64) for scale in (0.01, 0.1, 0.3) for _ in range(20)]
    assert all(smallest(jacobian) >= bound(jacobian) - 1e-12 for jacobian in jacobians)
    assert min(map(smallest, jacobians)) < 0.9
