"""What the judge can ask a student's process. Everything goes in and out as plain data and tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from grader.wire import pack, unpack
from grader.worker import files, functions, modules, trained
from grader.worker.again import call_again
from grader.worker.cells import run_cells
from grader.worker.counters import Found, counters
from grader.worker.devices import ABSENT, pretend_cuda_is_cpu
from grader.worker.dropout import Free, without_dropout
from grader.worker.shell import make_shell
from grader.worker.subject import Subject
from grader.worker.undrawn import sizes

Json = Any
Tensors = dict[str, Tensor]
MOST_CALLED_AGAIN = 2  # modules of a name: each takes long, and all of them count alike

Reply = tuple[dict[str, Json], Tensors]


class Student:
    """The state of one child: the notebook's namespace and the modules built from it.

    Args:
        namespace: one that is there already, where no cell is to be run.
    """

    def __init__(self, namespace: dict[str, Any] | None = None) -> None:
        self.namespace: dict[str, Any] = make_shell().user_ns if namespace is None else namespace
        self.subjects: dict[str, Subject] = {}
        self.called_again: Counter[str] = Counter()  # how many modules of a name were, to see whether they count
        self.devices: AbstractContextManager[object] = nullcontext()  # entered around all that the notebook's code does


def execute(student: Student, arguments: Json, tensors: Tensors) -> Reply:
    """Run cells; see `grader.worker.cells.run_cells`. `files` are laid beside them first, text by name."""
    sources = [*(cell["source"] for cell in arguments["cells"]), *arguments.get("files", {}).values()]
    if any(name in source for source in sources for name in (*ABSENT, "autocast")):
        student.devices = pretend_cuda_is_cpu()
    files.place(arguments.get("files", {}))
    with student.devices:
        answer = run_cells(
            student.namespace, arguments["cells"], arguments["names"], arguments["plan"], arguments["seconds"]
        )
    return answer, {}


def build(student: Student, arguments: Json, tensors: Tensors) -> Reply:
    """Construct a module and record one forward pass; see `grader.worker.modules.build`.

    Args:
        arguments: as there, and `dropout`: where is it free (see `grader.worker.dropout`)? `sizes`: are
            nothing but its sizes asked?
    """
    if arguments.get("sizes", False):
        with student.devices:
            told = sizes(student.namespace, arguments, tensors["x"])
        if told is not None:
            return told, {}
    free: Free = arguments.get("dropout", "")
    with student.devices, _dropout(free, train=arguments.get("train", False)):
        subject, answer = modules.build(student.namespace, arguments, tensors["x"])
    if subject is not None:
        # Dropout that is active in evaluation mode is a mistake, in the head too.
        subject.free_dropout = free if not answer.get("facts", {}).get("draws") else ""
        student.subjects[arguments["handle"]] = subject
    return answer, {}


def run(student: Student, arguments: Json, tensors: Tensors) -> Reply:
    """Run probes on a module that was built.

    Args:
        arguments: `handle`; `probes`, a list of `{"train": bool, "seed": int, "values": name or None, "of_input":
            bool, "stands_first": bool}`; `values`, for each name the keys of the leaves that are set; `repeat` (see
            `grader.worker.modules.run`).
        tensors: `row`, which `layout` takes apart (see `grader.wire.unpack`): for probe number I `I/x`, and
            `I/cotangent` where a gradient is wanted; for each name of `values` all of them.

    Returns:
        `answers`, one for each probe, and its tensors as `I/…` in a row with its `layout`; see
        `grader.worker.modules.run`.
    """
    subject = student.subjects[arguments["handle"]]
    tensors = unpack(arguments["layout"], tensors["row"])
    settings = {None: subject.setting()}
    for name, keys in arguments["values"].items():
        settings[name] = subject.setting(_apart(tensors[name], keys, subject))
    answers: list[Json] = []
    out: Tensors = {}
    before = counters(subject, student.namespace) if arguments["repeat"] else {}
    for i, probe in enumerate(arguments["probes"]):
        given = _of_probe(i, tensors)
        setting = settings[probe["values"]]
        with student.devices, _dropout(subject.free_dropout, train=probe["train"]):
            answer, made = modules.run(subject, probe, given, setting, repeat=arguments["repeat"])
        answers.append(answer)
        out |= {f"{i}/{name}": tensor for name, tensor in made.items() if not tensor.is_complex()}
    changed = _changed(before, counters(subject, student.namespace)) if arguments["repeat"] else {}
    name = arguments["handle"].partition("/")[0]
    if arguments["repeat"] and (changed or subject.reads_itself) and student.called_again[name] < MOST_CALLED_AGAIN:
        student.called_again[name] += 1
        for i in _first_of_each_mode(arguments["probes"], answers, out):
            probe = arguments["probes"][i]
            given, made = _of_probe(i, tensors), _of_probe(i, out)
            with student.devices, _dropout(subject.free_dropout, train=probe["train"]):
                told = call_again(subject, probe, given, settings[probe["values"]], (answers[i], made), changed)
            answers[i] = told[0]
            out = {name: tensor for name, tensor in out.items() if not name.startswith(f"{i}/")}
            out |= {f"{i}/{name}": tensor for name, tensor in told[1].items()}
    layout, row = pack(out)
    return {"answers": answers, "layout": layout}, {"row": row}


def _of_probe(number: int, tensors: Tensors) -> Tensors:
    """The tensors of a probe, by their own names."""
    prefix = f"{number}/"
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _changed(before: Found, after: Found) -> Found:
    return {key: value for key, value in after.items() if key not in before or before[key] != value}


def _first_of_each_mode(probes: Json, answers: Json, out: Tensors) -> list[int]:
    """The first probe in evaluation mode that gave numbers, and the first in training."""
    whole = [i for i, answer in enumerate(answers) if "raised" not in answer and f"{i}/y" in out]
    return sorted({probes[i]["train"]: i for i in reversed(whole)}.values())


def _dropout(free: Free, *, train: bool) -> AbstractContextManager[object]:
    """What has to be entered around a network's passes in this mode."""
    return without_dropout(free) if free and train else nullcontext()


def _apart(row: Tensor, keys: list[str], subject: Subject) -> Tensors:
    """The part of a row of values for each leaf, in its shape."""
    leaves = [subject.leaves[key] for key in keys]
    parts = row.split_with_sizes([leaf.numel() for leaf in leaves])
    return {key: part.view(leaf.shape) for key, leaf, part in zip(keys, leaves, parts, strict=True)}


def call(student: Student, arguments: Json, tensors: Tensors) -> Reply:
    """Call a function once; see `grader.worker.functions.call`."""
    with student.devices:
        return functions.call(student.namespace, arguments, tensors)


def size(student: Student, arguments: Json, tensors: Tensors) -> Reply:
    """How many parameters a network of the student's has; see `grader.worker.trained.size`."""
    with student.devices:
        return trained.size(student.namespace, arguments), {}


OPERATIONS: dict[str, Callable[[Student, Json, Tensors], Reply]] = {
    "execute": execute,
    "build": build,
    "run": run,
    "call": call,
    "size": size,
}

_WARM_UP = """
import torch
from torch import nn
import torch.nn.functional as F
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.bn = nn.BatchNorm2d(width)
    def forward(self, x):
        return F.relu(self.bn(self.conv(x)) + x)
"""


def warm_up() -> None:
    """Import and run everything once before children are forked: lazy imports would cost each over a second."""
    # Before any operation: a child forked from a process with a thread pool hangs in its first parallel loop.
    torch.set_num_threads(1)
    # Imports torch's compiler, for a second and more: too much for every student who seeds the generator.
    torch.manual_seed(0)
    student = Student()
    cells = [{"number": 1, "source": _WARM_UP}, {"number": 2, "source": "%pwd"}]
    execute(student, {"cells": cells, "names": ["Block"], "plan": "definitions", "seconds": 10.0}, {})
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    called = {"name": "Block", "positional": [4], "named": {}}
    arguments = {"handle": "warm", **called, "precision": "float64", "record": True}
    build(student, arguments, {"x": x})
    for train in (False, True):
        probe = {"train": train, "seed": 0, "values": None, "of_input": False, "stands_first": False}
        layout, row = pack({"0/x": x, "0/cotangent": torch.ones_like(x)})
        run(
            student, {"handle": "warm", "probes": [probe], "values": {}, "layout": layout, "repeat": True}, {"row": row}
        )
    # Many notebooks import these; forked children share their memory. The last four are not ours to install.
    for name in ("torch.optim", "torch.utils.data", "matplotlib.pyplot", "tqdm.auto", "pandas", "torchvision"):
        try:
            __import__(name)
        except Exception:
            continue
    torch.set_default_dtype(torch.float32)
    make_shell().reset(new_session=True)
