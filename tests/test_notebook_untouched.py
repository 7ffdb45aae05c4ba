"""A check in the student's own kernel leaves it as it was: settings, random numbers, the modules that it is given."""

from __future__ import annotations

import builtins
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from nbformat.v4 import new_notebook
from torch import Tensor, nn
from torch.overrides import _get_current_function_mode_stack
from walls import RESBLOCK

from grader import check
from grader.assignment import shipped_assignments
from grader.errors import StudentTimedOut
from grader.notebook import checking
from grader.notebook.kernel import Notebook
from grader.notebook.live import LiveWorker
from grader.submission import Cell, Submission
from grader.verdict import Status

Define = Callable[[str], dict[str, Any]]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Runs a source as the only cell of a notebook; its namespace."""

    def of(source: str) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(source, "<the cell>", "exec"), namespace)
        cells = [Cell(1, "code", source)]
        executed = Submission("you", "this notebook", cells, new_notebook(), [], [], None)
        names = [name for name in namespace if not name.startswith("_")]
        notebook = Notebook(namespace, names, {"<the cell>": 1}, executed)
        monkeypatch.setattr(checking, "this_notebook", lambda: notebook)
        return namespace

    return of


MEDDLES = RESBLOCK.replace(
    "super().__init__()",
    """super().__init__()
        import random, warnings, numpy, builtins, sys
        random.seed(1); numpy.random.seed(1); torch.manual_seed(1)
        torch.set_default_dtype(torch.float16); torch.set_num_threads(3); torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(False); torch.backends.cudnn.benchmark = False
        torch.set_float32_matmul_precision("medium"); sys.setrecursionlimit(5000)
        warnings.simplefilter("error"); builtins.input = print
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_default_dtype(torch.float64); torch.set_grad_enabled(True)""",
)


@pytest.fixture
def unusual() -> Iterator[None]:
    """Settings that differ from torch's own."""
    threads = torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")


def state() -> dict[str, Any]:
    """Everything that holds for the whole process, in comparable form."""
    return {
        "torch": torch.get_rng_state().tolist(),
        "random": random.getstate(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "modes": len(_get_current_function_mode_stack()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.enabled),
        "matmul": torch.get_float32_matmul_precision(),
        "recursion": sys.getrecursionlimit(),
        "warnings": list(warnings.filters),
        "builtins": (builtins.input, builtins.print),
        "streams": (sys.stdout, sys.stderr),
        "signals": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "patched": [nn.Module.to, nn.Module.cuda, Tensor.cuda, torch.cuda.Stream, torch.cuda.synchronize],
        "inherited": "cuda" in vars(Tensor),
        "registration": len(nn.modules.module._global_module_registration_hooks),
    }


@pytest.mark.usefixtures("unusual")
def test_every_setting_is_as_before(define: Define) -> None:
    """Whatever the student has set, and whatever code sets while it is checked; it is judged as right as ever."""
    block = define(MEDDLES)["ResBlock"]
    before = state()
    assert check(block).correct
    assert before == state()


@pytest.mark.parametrize(
    "mode",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.autocast("cpu"),
        lambda: torch.device("meta"),
        lambda: torch.autograd.set_detect_anomaly(True),
    ],
    ids=["no_grad", "inference", "autocast", "device", "anomaly"],
)
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_a_check_inside_a_mode_is_a_check_outside_of_it(define: Define, mode: Callable[[], Any]) -> None:
    """What a student has switched on around a check is no part of what they hand in, and stays on."""
    block = define(RESBLOCK)["ResBlock"]
    with mode():
        before = state()
        card = check(block)
        assert before == state()
    assert card.correct, str(card)


def test_code_that_fails_leaves_everything_as_before(define: Define, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does a fault of the grader's own, which is told as one and accuses nobody."""
    block = define(RESBLOCK.replace("torch.relu(self.branch", "torch.cuda.nothing(self.branch"))["ResBlock"]
    before = state()
    assert not check(block).correct
    assert before == state()

    def breaks(*_: Any) -> None:
        torch.manual_seed(99)
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(checking, "look_at", breaks)
    card = check(block)
    assert before == state()
    assert card.report is None
    assert "The grader itself failed (ZeroDivisionError: of ours). That is no mistake of yours" in str(card)


NETWORK = (
    RESBLOCK
    + """
class Net(nn.Sequential):
    pass

net = Net(
    nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), ResBlock(16, 16), ResBlock(16, 32, 2),
    ResBlock(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
)
def build_network(num_classes=10):
    return net
"""
)


def taken(module: nn.Module) -> dict[str, Any]:
    """A module as it is: values, gradients, modes, types, and whose objects they are."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {
        "values": {name: (tensor.tolist(), tensor.dtype, tensor.requires_grad) for name, tensor in tensors},
        "objects": [(name, id(tensor), tensor.data_ptr()) for name, tensor in tensors],
        "gradients": [None if tensor.grad is None else tensor.grad.tolist() for _, tensor in tensors],
        "modes": [part.training for part in module.modules()],
        "attributes": [sorted(vars(part)) for part in module.modules()],
        "hooks": [len(part._forward_hooks) for part in module.modules()],
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_that_is_returned_is_given_back_as_it_was(define: Define, dtype: torch.dtype) -> None:
    """A function may return the very network that is trained in the next cell."""
    namespace = define(NETWORK)
    net = namespace["net"].to(dtype)
    net(torch.randn(2, 3, 32, 32, dtype=dtype)).sum().backward()
    net[3].eval()
    net[0].weight.requires_grad_(False)
    kept = taken(net)
    assert "7, but gives 2×10" in str(check(namespace["build_network"]))
    assert kept == taken(net)
    assert "its class, Net, was checked, and the object was left as it is" in str(check(net, exercise="network"))
    assert kept == taken(net)


def test_a_parameter_outside_of_a_module_is_given_back(define: Define) -> None:
    """Forward may use a global one; it is set and trained in a check like those of the module."""
    namespace = define(
        RESBLOCK.replace("self.branch(x) +", "alpha * self.branch(x) +") + "\nalpha = nn.Parameter(torch.ones(1))"
    )
    alpha = namespace["alpha"]
    alpha.grad = torch.full((1,), 3.0)
    assert not check(namespace["ResBlock"]).correct
    assert [1.0] == alpha.tolist()
    assert [3.0] == alpha.grad.tolist()


def test_what_the_judge_keeps_is_safe_from_code_that_writes_to_its_arguments(define: Define) -> None:
    """In one process the tensors that are sent are the judge's own: code is given copies."""
    source = shipped_assignments()["gradient-flow"] / "flow.py"
    function = define(source.read_text("utf-8"))["gradient_norms"]

    def spoils(weights: Tensor, x: Tensor, shortcut: bool) -> Any:
        weights.detach().fill_(float("nan"))
        return function(weights, x, shortcut)

    first = check(function, exercise="norms", assignment="gradient-flow")
    assert not check(spoils, exercise="norms", assignment="gradient-flow").correct
    assert first.report == check(function, exercise="norms", assignment="gradient-flow").report


def test_code_that_does_not_end_is_stopped(define: Define, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it swallows exceptions; the card names the line that was running."""
    monkeypatch.setattr("grader.observing.CALL_SECONDS", 1.0)
    endless = "while True:\n            try:\n                while True: pass\n            except Exception: pass"
    block = define(RESBLOCK.replace("return torch.relu", f"{endless}\n        return torch.relu"))["ResBlock"]
    began, before = time.monotonic(), state()
    card = check(block)
    assert time.monotonic() - began < 20
    assert before == state()
    assert card.report is not None
    assert Status.TIMED_OUT == card.report.checks[0].status
    assert "stopped after 1 s in In [1], line" in str(card)


def test_everything_together_has_a_limit(define: Define) -> None:
    """That of the assignment, as in `grader check`."""
    namespace = define(RESBLOCK)
    with LiveWorker(namespace, {}, [], seconds=0.0) as worker, pytest.raises(StudentTimedOut, match="0 s in all"):
        worker.call("build", {"name": "ResBlock"}, {}, seconds=20.0)


def test_importing_the_grader_is_cheap() -> None:
    """Neither torch nor the judge is imported before something is checked."""
    code = (
        "import sys, grader; grader.check; print({'torch', 'grader.pipeline', 'IPython', 'pydantic'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()\n" == done.stdout
