"""What must hold for any bytes whatever, one function for each reader that meets bytes of a stranger.

A target returns when the reader did what it promises, and raises when it did anything else. Each takes one file's
content, so that every input that ever failed can lie in `corpus/` and be tried again.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import select
import socket
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import nbformat
import torch
from test_formats_samples import RUN, right

from grader import wire
from grader.assignment import EssayExercise, find_assignment
from grader.errors import ProtocolViolated, SessionEnded, StudentDied, SubmissionError, UsageError
from grader.formats._notebook import notebook_page
from grader.judge.examine import _checked
from grader.judge.formula import formula
from grader.observation import Built, Executed, Replies
from grader.quiz import judge_quiz
from grader.sandbox import SessionLimits
from grader.sandbox.session import Session
from grader.starter import handed_out
from grader.submission import HandIn, Submission, archive, defined_names, find, find_answer, find_given, read, repair

CORPUS = Path(__file__).parent / "corpus"
SECONDS = 10.0  # for one input of some kilobytes: a hundred times what it takes on a loaded machine
ID = b"IDENTIFIER-OF-THE-REQUEST-32-HEX"  # stands in a frame where the answer repeats the request's id
_STUDENT = re.compile(r"[^\W]([\w.-]|[^\x00-\u02ff\u2000-\u206f])*")  # letters, digits, marks of any script
_NAME = re.compile(r"[^\x00-\x1f\x7f/\ud800-\udfff]+")


@contextlib.contextmanager
def kept(kind: str, data: bytes) -> Iterator[None]:
    """On a failure, and only while fuzzing, leave the input in the corpus. Hypothesis tries the smallest one last."""
    try:
        yield
    except Exception:
        if "GRADER_FUZZ" in os.environ:
            (CORPUS / kind / "failing").write_bytes(data)
        raise


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < SECONDS


# ---------------------------------------------------------------------- the wire

CAPS = wire.Caps(json_bytes=1 << 14, blob_bytes=1 << 14, header_bytes=1 << 12, tensors=64)
# JSON in memory takes up to forty times its text, tensors twice their bytes; the rest is what Python itself needs.
MOST_MEMORY = 40 * CAPS.json_bytes + 4 * CAPS.blob_bytes + (1 << 20)


def wire_target(data: bytes) -> None:
    """Fields, tensors and a whole answer: plain data within the caps, or ProtocolViolated."""
    with in_time(), memory_below(MOST_MEMORY + 40 * len(data)):
        with contextlib.suppress(ProtocolViolated):
            plain(wire.decode_fields(data))
        with contextlib.suppress(ProtocolViolated):
            tensors = wire.decode_tensors(data, CAPS)
            assert len(tensors) <= CAPS.tensors
            assert sum(tensor.nbytes for tensor in tensors.values()) <= len(data)
            for tensor in tensors.values():
                assert tensor.layout == torch.strided
                if tensor.dtype == torch.bool:
                    assert set(tensor.view(torch.uint8).flatten().tolist()) <= {0, 1}
        answer, refusal = None, ""
        try:
            answer = Answering(data).call("build", seconds=5.0)
        except SessionEnded as error:
            refusal = str(error)
        assert refusal.isprintable()
        assert len(refusal) < 300
        if answer is not None:
            plain(answer.fields)
            modelled(answer.fields, answer.tensors)


def modelled(fields: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """What the judge does with an answer before it believes any of it."""
    for model in (Built, Replies, Executed):
        try:
            checked = _checked(model, fields)
        except ProtocolViolated:
            continue
        if isinstance(checked, Replies) and "row" in tensors:
            with contextlib.suppress(ValueError):
                found = wire.unpack(checked.layout, tensors["row"])
                assert sum(tensor.numel() for tensor in found.values()) <= tensors["row"].numel()
        if isinstance(checked, Built):
            for graph in (checked.graph, checked.partial):
                if graph is not None and graph.is_sound:
                    assert isinstance(graph.users, dict)
                    assert isinstance(formula(graph), str)


def plain(value: Any, depth: int = 0) -> None:
    """JSON that nobody who reads it later can stumble over."""
    assert depth <= wire.DEPTH
    if isinstance(value, dict):
        for key, item in value.items():
            plain(key, depth)
            plain(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            plain(item, depth + 1)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value)
    else:
        assert value is None or isinstance(value, bool) or -(2**63) <= value < 2**63


@contextlib.contextmanager
def memory_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] <= limit
    finally:
        tracemalloc.stop()


class Answering(Session):
    """The judge's end, with a process behind it that gives these bytes for an answer and hangs up.

    Reading is the session's own; only what starts, watches and kills a process is left out.
    """

    def __init__(self, data: bytes) -> None:
        near, self._far = socket.socketpair()
        report, other = socket.socketpair()
        other.close()
        output, output_end = os.pipe()
        places, places_end = os.pipe()
        os.close(output_end)
        os.close(places_end)
        super().__init__(
            near, report, output, places, SessionLimits(), has_namespaces=False, watched=None, last_words=lambda: ""
        )
        self._data = data
        self._asked = b""

    def call(self, *arguments: Any, **options: Any) -> Any:
        with self._far, patch.object(wire, "DEFAULT_CAPS", CAPS):
            try:
                return super().call(*arguments, **options)
            finally:
                self.close()

    def _write(self, data: memoryview, deadline: float, seconds: float) -> None:
        self._asked += data
        if len(data):
            identifier = json.loads(self._asked[wire.PREFIX.size :])["id"].encode()
            self._far.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                self._far.send(self._data.replace(ID, identifier))
            self._far.shutdown(socket.SHUT_WR)

    def _wait(self, direction: int, deadline: float, seconds: float) -> None:
        assert direction == select.POLLIN
        self._die()

    def _wait_jailed(self) -> None: ...

    def _kill(self) -> None: ...

    def _die(self) -> NoReturn:
        raise StudentDied("it hung up")


# ---------------------------------------------------------------------- notebooks

_ESSAY = EssayExercise(kind="essay", id="essay", title="E", headings=["answer"], points=1)
_QUIZ = find_assignment("residual-quiz").quiz_exercises
_STARTER = handed_out(find_assignment("residual-quiz"))
_REPORT = right()[0]


def notebook_target(data: bytes) -> None:
    """A Submission whose fields are what the nouns say, or SubmissionError; as a notebook and as a Python file."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "handed-in"
        path.write_bytes(data)
        for name in ("doe.ipynb", "doe.py"):
            with in_time():
                submission, refusal = None, ""
                try:
                    submission = read(HandIn("doe", name, path))
                except SubmissionError as error:
                    refusal = str(error)
                refusal.encode()
                if submission is None:
                    assert refusal.startswith(f"{name}: ")
                else:
                    hold_submission(submission, name)


def hold_submission(submission: Submission, name: str) -> None:
    assert (submission.student, submission.file) == ("doe", name)
    nbformat.validate(submission.notebook)
    json.dumps(submission.notebook, ensure_ascii=False).encode()
    assert len(submission.cells) <= repair.MAX_CELLS
    assert [cell.number for cell in submission.cells] == list(range(1, len(submission.cells) + 1))
    assert [(cell.kind, cell.source) for cell in submission.cells] == [
        (node.cell_type, node.source) for node in submission.notebook.cells
    ]
    for sentence in submission.repairs + submission.warnings:
        assert sentence
        sentence.encode()
    assert submission.assignment_id is None or re.fullmatch("[a-z0-9-]{1,100}", submission.assignment_id)
    assert all(re.fullmatch(r"\w+", defined) for defined in defined_names(submission))
    answer = find_answer(submission, _ESSAY)
    assert answer is None or answer.strip()
    given = find_given(submission, _QUIZ, _STARTER)
    for exercise in _QUIZ:
        report = judge_quiz(exercise, given.get(exercise.id))
        report.model_dump_json()
        assert report.score in (0, exercise.max_score)
    notebook_page(RUN, _REPORT, submission)


# ---------------------------------------------------------------------- archives

_LIMITS: dict[str, Any] = {
    "MAX_MEMBERS": 60,
    "MAX_SUBMISSIONS": 20,
    "MAX_MEMBER": {".ipynb": 40_000, ".py": 40_000, ".zip": 60_000},
    "MAX_ONE_STUDENT": 100_000,
    "MAX_TOTAL": 300_000,
    "RATIO_COUNTS_FROM": 10_000,
    "_CHUNK": 4096,
}
_NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def archive_target(data: bytes) -> None:
    """HandIns or UsageError; only numbered files are made, below one folder that is gone afterwards, within the
    limits; and the student beside it is found as ever."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, patch.multiple(archive, **_LIMITS):
        outer = Path(name)
        for folder in ("tmp", "in"):
            (outer / folder).mkdir()
        (outer / "in" / "doe.zip").write_bytes(data)
        (outer / "in" / "roe.ipynb").write_bytes(_NOTEBOOK)
        before = everything(outer)
        with in_time(), patch.object(tempfile, "tempdir", str(outer / "tmp")):
            found = hold_archive(outer, outer / "in", _LIMITS["MAX_ONE_STUDENT"])
            assert [(each.student, each.problem) for each in found if each.file == "roe.ipynb"] == [("roe", "")]
            assert before == everything(outer)
            with contextlib.suppress(UsageError):
                hold_archive(outer, outer / "in" / "doe.zip", _LIMITS["MAX_TOTAL"])
        assert before == everything(outer)


def hold_archive(outer: Path, path: Path, most: int) -> list[HandIn]:
    with WATCH.below(outer), find([path]) as hand_ins:
        unpacked = [each for each in (outer / "tmp").rglob("*") if not each.is_dir()]
        assert all(re.fullmatch(r"zips-\w+/\d+", str(each.relative_to(outer / "tmp"))) for each in unpacked)
        assert all(each.is_file() and not each.is_symlink() for each in unpacked)
        # What goes beyond a limit is noticed one chunk later, for each archive.
        assert sum(each.stat().st_size for each in unpacked) <= most + len(unpacked) * _LIMITS["_CHUNK"]
        assert len(unpacked) <= (_LIMITS["MAX_SUBMISSIONS"] + 1) * _LIMITS["MAX_MEMBERS"]
        students = [each.student for each in hand_ins]
        assert len({student.casefold() for student in students}) == len(students)
        for each in hand_ins:
            assert _STUDENT.fullmatch(each.student)
            assert len(each.student.encode()) < 200
            assert each.path.resolve().is_relative_to(outer.resolve())
            assert all(_NAME.fullmatch(part) for part in each.file.split("/"))
            each.problem.encode()
            try:
                hold_submission(read(HandIn("doe", "doe.ipynb", each.path, each.problem)), "doe.ipynb")
            except SubmissionError:
                continue
        return hand_ins


def everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


class _Watch:
    """Notices every file that is made or written anywhere but below one folder."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._outside: list[str] = []
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def below(self, folder: Path) -> Iterator[None]:
        self._folder, self._outside = str(folder), []
        try:
            yield
        finally:
            self._folder = None
        assert self._outside == []

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        paths: tuple[Any, ...] = ()
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            paths = arguments[:1]
        elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate"):
            paths = arguments[:2]
        for path in paths:
            if isinstance(path, str | bytes) and not os.path.realpath(os.fsdecode(path)).startswith(self._folder):
                self._outside.append(f"{event} {path!r}")


WATCH = _Watch()

TARGETS: dict[str, Callable[[bytes], None]] = {
    "wire": wire_target,
    "notebook": notebook_target,
    "archive": archive_target,
}
