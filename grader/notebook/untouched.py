"""A check leaves the student's kernel as it was, whatever it sets, or code that it calls, for the whole process."""

from __future__ import annotations

import builtins
import io
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch


@contextmanager
def untouched() -> Iterator[None]:
    """Inside, torch is set as in a process of its own and nothing is printed; afterwards all is as before."""
    with ExitStack() as stack:
        for get, put in _settings():
            stack.enter_context(_kept(get, put))
        stack.enter_context(_quiet())
        stack.enter_context(_as_in_a_fresh_process())
        yield


@contextmanager
def _kept(get: Callable[[], Any], put: Callable[[Any], object]) -> Iterator[None]:
    before = get()
    try:
        yield
    finally:
        put(before)


def _settings() -> Iterator[tuple[Callable[[], Any], Callable[[Any], object]]]:
    """How each setting is read, and how it is set. Those of other libraries only where these are there already."""
    yield random.getstate, random.setstate
    if "numpy" in sys.modules:
        numbers = sys.modules["numpy"].random
        yield numbers.get_state, numbers.set_state
    yield torch.get_rng_state, torch.set_rng_state
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        yield torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all
    yield torch.get_default_dtype, torch.set_default_dtype
    yield torch.get_num_threads, torch.set_num_threads
    yield torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    yield _deterministic, _set_deterministic
    for name in ("enabled", "benchmark", "deterministic"):
        yield _attribute(torch.backends.cudnn, name)
    yield _attribute(builtins, "input")
    yield sys.getrecursionlimit, sys.setrecursionlimit
    if "torch._dynamo" in sys.modules:
        # The worker has compiled code run as it is written.
        frames: Any = sys.modules["torch._dynamo.eval_frame"]
        yield (lambda: frames._stance), frames._set_stance


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(wanted: tuple[bool, bool]) -> None:
    if _deterministic() != wanted:  # to set it imports torch's compiler, which takes a second
        torch.use_deterministic_algorithms(wanted[0], warn_only=wanted[1])


def _attribute(owner: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value))


@contextmanager
def _as_in_a_fresh_process() -> Iterator[None]:
    """What a student may have switched on for themselves is no part of what they hand in."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    builtins.input = lambda prompt="", /: ""  # would ask at every pass
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))  # which switches gradients on, too
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.is_anomaly_enabled():
            stack.enter_context(torch.autograd.set_detect_anomaly(False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


class _Nowhere(io.TextIOBase):
    """Takes whatever is printed: a forward pass that prints is run some hundred times."""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        return len(text)


@contextmanager
def _quiet() -> Iterator[None]:
    with redirect_stdout(_Nowhere()), redirect_stderr(_Nowhere()), warnings.catch_warnings(), _undisplayed():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _undisplayed() -> Iterator[None]:
    """Nothing is shown below the cell by `display`."""
    shell = running_shell()
    if shell is None:
        yield
        return
    from IPython.core.displaypub import DisplayPublisher

    class Silent(DisplayPublisher):  # type: ignore[misc]
        def publish(self, *_: Any, **__: Any) -> None:
            pass

        def clear_output(self, wait: bool = False) -> None:
            pass

    before = shell.display_pub
    shell.display_pub = Silent()
    try:
        yield
    finally:
        shell.display_pub = before


def running_shell() -> Any:
    """IPython's shell, or None in plain Python."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
