"""The reference of an exercise: a class written for instructors, recorded as graphs, on CPU or GPU."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from grader.assignment import UNTOLD, Assignment, Case, ModuleExercise, shipped_folder
from grader.capture import Recording, record
from grader.capture.several import lend_call, shapes_of_several
from grader.errors import AssignmentError
from grader.graph import Graph
from grader.judge.biases import without_redundant_biases
from grader.judge.freedoms import Variant, variants
from grader.judge.leaves import parts_in_graph


class Reference:
    """Builds the reference of one exercise and records what it computes.

    Raises:
        AssignmentError: it cannot be found, built or run; the message names the assignment's file and key.
    """

    def __init__(self, assignment: Assignment, exercise: ModuleExercise) -> None:
        self.exercise = exercise
        self.assignment = assignment
        self._modules: dict[tuple[str, int], nn.Module] = {}
        self._recordings: dict[tuple[str, int, bool, tuple[int, ...]], Graph] = {}
        self._graphs: dict[tuple[str, int, bool, tuple[int, ...]], Graph] = {}
        self._constants: dict[tuple[str, int, bool, tuple[int, ...]], dict[str, Tensor]] = {}
        self._output_shapes: dict[tuple[str, tuple[int, ...]], list[int]] = {}
        self._several: dict[tuple[str, tuple[int, ...]], list[list[int]] | None] = {}
        self._taken: dict[tuple[str, tuple[int, ...]], bool] = {}

    @cached_property
    def variants(self) -> list[Variant]:
        """The right ways to do the exercise; the first is the reference as it stands, if that is one of them."""
        cases = self.exercise.cases
        return variants(
            self.exercise,
            lambda keywords: [self._recorded(case, keywords, train=False, shape=(2, *case.input)) for case in cases],
        )

    @property
    def arguments(self) -> dict[str, object]:
        """The constructor's positional arguments with their defaults; `Parameter.empty` for those that have none."""
        parameters = inspect.signature(self._class).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD}

    @property
    def defaults(self) -> dict[str, Any]:
        """The values of those that have one."""
        return {name: default for name, default in self.arguments.items() if default is not inspect.Parameter.empty}

    def parameter_shapes(self, case: Case, variant: int = 0) -> dict[str, list[int]]:
        """Name and shape of every parameter."""
        graph = self.graph(case, variant, train=False, shape=(2, *case.input))
        leaves = [node for node in graph.nodes if node.leaf is not None and node.leaf.kind == "parameter"]
        return {node.leaf.key.removeprefix("p:"): node.shape for node in leaves if node.leaf is not None}

    def has_dropout(self, case: Case) -> bool:
        """Has it layers of dropout, which in no case are random?"""
        return any(isinstance(part, _DropoutNd) for part in self._module(case, 0).modules())

    def written_size(self, case: Case, variant: int = 0) -> int | None:
        """How many parameters a variant has as it is written, with the biases that do nothing; None where it is not
        written, but made by a freedom."""
        way = self.variants[variant]
        return None if way.edits else sum(each.numel() for each in self._module(case, way.keywords).parameters())

    def graph(self, case: Case, variant: int, *, train: bool, shape: tuple[int, ...]) -> Graph:
        """What a variant computes for an input of this shape, batch included."""
        key = (case.title, variant, train, shape)
        if key not in self._graphs:
            way = self.variants[variant]
            self._graphs[key] = way.of(self._recorded(case, way.keywords, train=train, shape=shape))
        return self._graphs[key]

    def constants(self, case: Case, variant: int, *, train: bool, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """The numbers that it keeps and nobody sets, such as a table of positions, by the keys of its graph."""
        keywords = self.variants[variant].keywords
        self._recorded(case, keywords, train=train, shape=shape)
        return self._constants[case.title, keywords, train, shape]

    def _recorded(self, case: Case, keywords: int, *, train: bool, shape: tuple[int, ...]) -> Graph:
        """What the reference with a set of keywords computes, before any freedom is taken."""
        key = (case.title, keywords, train, shape)
        if key not in self._recordings:
            module = self._module(case, keywords).train(train)
            try:
                x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
            except RuntimeError as error:
                raise self._wrong(f"case {case.title!r}: an input of {shape} cannot be made: {error}") from error
            with (
                torch.enable_grad()
            ):  # whoever asks first: the graph says for each operation whether autograd records it
                recording = record(module, x * 1)
            if (raised := recording.error) is not None:
                raise self._wrong(
                    f"case {case.title!r}: the reference raises {type(raised).__name__}: {raised}"
                ) from raised
            if recording.graph is None:
                raise self._wrong(
                    f"case {case.title!r}: the reference must return {'tensors' if case.inputs else 'one tensor'}"
                    f"{'' if case.inputs else '; of several inputs or outputs `inputs` in place of `input` tells'}"
                )
            self._several[case.title, shape] = shapes_of_several(recording.result)
            if recording.facts.get("draws"):
                raise self._wrong(
                    f"case {case.title!r}: the reference draws random numbers{' in training mode' if train else ''}: "
                    "nobody could give what it gives; of dropout let the constructor take the probability, and have "
                    "cases in which it is 0.0, and 1.0: what is always or never dropped is not random"
                )
            graph = Graph.model_validate(recording.graph)
            self._constants[key] = found = _constants(graph, recording)
            if found:
                self._refuse_chance(case, keywords, found, train=train, x=x)
            # Whether a layer has a bias that does nothing is then the student's choice, not the reference's.
            is_free = self.exercise.conv_bias == "free"
            self._recordings[key] = without_redundant_biases(graph) if is_free else graph
        return self._recordings[key]

    def _refuse_chance(
        self, case: Case, keywords: int, constants: dict[str, Tensor], *, train: bool, x: Tensor
    ) -> None:
        """Constants that are others in each module cannot be compared with those of anybody's.

        Raises:
            AssignmentError: there are some.
        """
        with torch.enable_grad():
            again = record(self.build(case, keywords).train(train), x * 1).leaves
        for key, value in constants.items():
            if key not in again or not torch.equal(again[key].detach(), value):
                raise self._wrong(
                    f"case {case.title!r}: the reference keeps numbers that are others each time it is built"
                    f"{f' ({key[2:]})' if key[1:2] == ':' else ''}: nobody could have the same; draw them with a seed "
                    "of their own, or let them be an input. Spectral norm cannot be compared for that reason"
                )

    def takes(self, case: Case, shape: tuple[int, ...]) -> bool:
        """Does it run for an input of this shape, batch included, and is it meant to?"""
        if self.exercise.sizes == "declared" and list(shape[1:]) != case.input:
            return False
        key = (case.title, shape)
        if key not in self._taken:
            try:
                self.output_shape(case, shape)
                self._taken[key] = True
            except AssignmentError:
                self._taken[key] = False
        return self._taken[key]

    def output_shape(self, case: Case, shape: tuple[int, ...]) -> list[int]:
        """Shape of the output for an input of this shape."""
        key = (case.title, shape)
        if key not in self._output_shapes:
            graph = self.graph(case, 0, train=False, shape=shape)
            self._output_shapes[key] = graph.by_id[graph.output].shape
        return list(self._output_shapes[key])

    def output_shapes(self, case: Case, shape: tuple[int, ...]) -> list[list[int]] | None:
        """The shape of each of several tensors that it returns for an input of this shape; None where it is one."""
        self.output_shape(case, shape)
        return self._several.get((case.title, shape))

    @cached_property
    def _class(self) -> Any:
        try:
            found = find_reference(self.assignment.folder, self.exercise.reference)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise self._wrong(f"{self.exercise.reference!r} cannot be imported: {error}") from error
        return found

    def build(self, case: Case, keywords: int = 0) -> nn.Module:
        """A module of its own, in float64."""
        target, before = self._class, torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            built = target(*case.arguments.values(), **[{}, *self.exercise.variants][keywords])
        except Exception as error:
            raise self._wrong(f"case {case.title!r}: the reference raises {type(error).__name__}: {error}") from error
        finally:
            torch.set_default_dtype(before)
        if not isinstance(built, nn.Module):
            raise self._wrong(
                f"case {case.title!r}: the reference gives a {type(built).__name__}, which is no nn.Module"
            )
        if case.inputs:
            lend_call(built, case.takes)
        return built

    def _module(self, case: Case, keywords: int) -> nn.Module:
        key = (case.title, keywords)
        if key not in self._modules:
            self._modules[key] = self.build(case, keywords)
        return self._modules[key]

    def _wrong(self, what: str) -> AssignmentError:
        return AssignmentError(
            f"{self.assignment.folder / 'assignment.toml'}: exercise {self.exercise.id}: reference: {what}"
        )


def _constants(graph: Graph, recording: Recording) -> dict[str, Tensor]:
    """Numbers that a graph reads and that are in no slot, by key; those that it says itself are left out."""
    in_slots = {key for key, *_ in parts_in_graph(graph)}
    leaves = (node.leaf for node in graph.nodes if node.leaf is not None and node.leaf.kind != "input")
    return {
        leaf.key: recording.leaves[leaf.key].detach().clone()
        for leaf in leaves
        if leaf.value is None and leaf.key not in in_slots
    }


def find_reference(folder: Path, reference: str) -> Any:
    """What `file:name` names: a class, or a function that builds a module.

    Raises:
        ImportError, AttributeError, SyntaxError: it cannot be imported.
    """
    file, name = reference.split(":")
    if file == UNTOLD:
        raise ImportError("this is a student's copy of the assignment, which does not hold it")
    return getattr(_load(folder, file), name)


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
    try:
        return importlib.import_module(f"{package}.{file}")
    except (ImportError, SyntaxError):
        raise
    except (Exception, SystemExit) as error:
        raise ImportError(f"its file raises {type(error).__name__}: {error}") from error
