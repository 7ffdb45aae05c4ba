"""The reference of an exercise: a class written for instructors, recorded as graphs, on CPU or GPU."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from functools import cached_property
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from grader.assignment import Argument, Assignment, Case, ModuleExercise, shipped_folder
from grader.capture import record
from grader.errors import AssignmentError
from grader.graph import Graph


class Reference:
    """Builds the reference of one exercise and records what it computes.

    Raises:
        AssignmentError: it cannot be found, built or run; the message names the assignment's file and key.
    """

    def __init__(self, assignment: Assignment, exercise: ModuleExercise) -> None:
        self.exercise = exercise
        self.assignment = assignment
        self._modules: dict[tuple[str, int], nn.Module] = {}
        self._graphs: dict[tuple[str, int, bool, tuple[int, ...]], Graph] = {}

    @property
    def variants(self) -> list[dict[str, Argument]]:
        """Keyword arguments that each give a right answer; the first is the reference as it stands."""
        return [{}, *self.exercise.variants]

    def parameter_shapes(self, case: Case, variant: int = 0) -> dict[str, list[int]]:
        """Name and shape of every parameter."""
        return {name: list(p.shape) for name, p in self._module(case, variant).named_parameters()}

    def graph(self, case: Case, variant: int, *, train: bool, shape: tuple[int, ...]) -> Graph:
        """What it computes for an input of this shape, batch included."""
        key = (case.title, variant, train, shape)
        if key not in self._graphs:
            module = self._module(case, variant).train(train)
            x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
            try:
                recorded, *_ = record(module, x * 1)
            except Exception as error:
                raise self._wrong(
                    f"case {case.title!r}: the reference raises {type(error).__name__}: {error}"
                ) from error
            if recorded is None:
                raise self._wrong(f"case {case.title!r}: the reference must return one tensor")
            self._graphs[key] = Graph.model_validate(recorded)
        return self._graphs[key]

    def output_shape(self, case: Case, shape: tuple[int, ...]) -> list[int]:
        """Shape of the output for an input of this shape."""
        graph = self.graph(case, 0, train=False, shape=shape)
        return graph.by_id()[graph.output].shape

    @cached_property
    def _class(self) -> type[nn.Module]:
        file, name = self.exercise.reference.split(":")
        try:
            found = getattr(_load(self.assignment.folder, file), name)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise self._wrong(f"{self.exercise.reference!r} cannot be imported: {error}") from error
        return found  # type: ignore[no-any-return]

    def _module(self, case: Case, variant: int) -> nn.Module:
        key = (case.title, variant)
        if key not in self._modules:
            before = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)
            try:
                self._modules[key] = self._class(*case.arguments.values(), **self.variants[variant])
            except Exception as error:
                raise self._wrong(
                    f"case {case.title!r}: the reference raises {type(error).__name__}: {error}"
                ) from error
            finally:
                torch.set_default_dtype(before)
        return self._modules[key]

    def _wrong(self, what: str) -> AssignmentError:
        return AssignmentError(
            f"{self.assignment.folder / 'assignment.toml'}: exercise {self.exercise.id}: reference: {what}"
        )


def _load(folder: Path, file: str) -> ModuleType:
    """`file.py` from the assignment's own folder, else from the shipped references."""
    for home in (folder, shipped_folder("reference")):
        if (home / f"{file}.py").is_file():
            break
    else:
        raise ImportError(f"there is no {file}.py beside assignment.toml or among the shipped references")
    # A package under a name of its own, so that relative imports work and two assignments do not collide.
    package = "grader_reference_" + hashlib.blake2b(str(home.resolve()).encode(), digest_size=6).hexdigest()
    if package not in sys.modules:
        parent = ModuleType(package)
        parent.__path__ = [str(home.resolve())]
        sys.modules[package] = parent
    return importlib.import_module(f"{package}.{file}")
