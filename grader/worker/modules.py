"""Build a student's module and run it on what the judge sends."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy

from grader.capture import Recording, record
from grader.capture.construction import Construction
from grader.capture.several import lend_call
from grader.capture.witness import reached_by_autograd
from grader.worker.cells import describe, place_of
from grader.worker.chance import seed_all, states
from grader.worker.constants import say_constants
from grader.worker.constructors import constructor, describe_constructor, given
from grader.worker.faults import without_faults
from grader.worker.outputs import describe_output, is_dense, weighed
from grader.worker.registered import registered
from grader.worker.steady import draws, is_steady
from grader.worker.subject import Setting, Subject, set_mode

Json = Any
Tensors = dict[str, Tensor]


def raised(stage: str, error: BaseException, recording: Recording | None = None) -> dict[str, Json]:
    """An exception of the student's code, as an answer; with what was recorded until then."""
    answer: dict[str, Json] = {"raised": {"stage": stage, **describe(error)}}
    if recording is not None:
        answer["raised"]["operation"] = recording.failed
        answer["partial"] = recording.partial
    return answer


MOST_SHARED = 20  # that are told


def build(namespace: dict[str, Any], arguments: Json, x: Tensor) -> tuple[Subject | None, dict[str, Json]]:
    """Construct `namespace[name]`, run it once, in evaluation mode unless `train` is set, and record what it computes.

    Args:
        arguments: `name`, `positional` and `named` (see `given`), `precision` ("float64" or "float32"), `record` (or
            only run), `brief` (where it is not recorded and said to be so: no more of it than shows whether it is as
            expected, which leaves out `constructor`, what its tensors start with, and facts about its construction),
            `twice` (is it constructed a second time, to see what two of them share?), `takes` (its inputs, if they are
            several: see `grader.capture.several`).
        x: an input, N × C × H × W.

    Returns:
        The subject, and what is known of it: `tensors` (parameters and buffers), `shared` (names of parameters that a
        second one has too), `graph` (None when it could not be recorded), `output` (what came back), `operations` (how
        many were executed), `constructor` (what it takes: see `describe_constructor`) and `facts` (what else showed:
        see `grader.capture.facts` and `grader.capture.construction`). On an exception `raised` with its stage,
        constructor or forward, and `partial`, the graph of the operands of an operation that raised it.
    """
    dtype = getattr(torch, arguments["precision"])
    torch.set_default_dtype(dtype)
    seed_all(0)
    brief = arguments.get("brief", False)
    construction = Construction(place_of)
    target = constructor(namespace, arguments["name"])
    try:
        positional, named = given(namespace, arguments)
        with nullcontext() if brief else construction.watched():
            module = target(*positional, **named)
    except BaseException as error:
        return None, raised("constructor", error) | {"constructor": describe_constructor(target)}
    _compile_nothing()
    if not isinstance(module, nn.Module):
        return None, {"not_a_module": type(module).__name__[:100]}
    if arguments.get("takes"):
        lend_call(module, arguments["takes"])
    x = x.to(dtype)
    try:
        module.eval()
        _find_shapes(module, x)
        if not (_is_all_of(module, dtype) or _is_at_home_in_float64(module, x)):
            _make(module, dtype)
    except BaseException as error:
        # Once more, to see which operation raised; the layers behind it have no shapes, and nothing can be set.
        failed = raised("forward", error, record(module, x.clone(), place_of))
        failed["shapeless"] = sum(map(is_lazy, module.parameters()))
        return None, failed | {"constructor": describe_constructor(target, module)}
    subject = Subject(module, dtype, anew=partial(_another, namespace, arguments, x))
    tensors, subject.leaves = registered(module, brief=brief)
    shared = _shared(namespace, arguments, module) if arguments.get("twice", False) and not brief else []
    subject.start = {key: tensor.detach().clone() for key, tensor in subject.leaves.items()}
    subject.remember()
    set_mode(module, train=arguments.get("train", False))
    # Not a leaf: students may write to their input in place.
    given_x = x.clone().requires_grad_() * 1
    if arguments["record"]:
        starts = {} if brief else {tensor["key"]: tensor["initial"] for tensor in tensors}
        recording = record(module, given_x, place_of, starts)
    else:
        recording = _only_run(module, given_x)
    if recording.error is not None:
        _try_without_recording(subject, x, recording)
    subject.restore()
    subject.reads_itself = "own_reads" in recording.facts
    answer: dict[str, Json] = {"tensors": tensors, "operations": recording.operations, "shared": shared}
    if not brief:
        answer["facts"] = recording.facts | construction.facts(module)
        answer["constructor"] = describe_constructor(target, module)
    if not arguments["record"]:
        answer["strangers"] = _strangers(subject, recording.result, given_x.grad_fn)
    if recording.error is not None:
        return subject, answer | raised("forward", recording.error, recording)
    for key, tensor in recording.leaves.items():
        if key not in subject.leaves and tensor.is_floating_point():
            subject.leaves[key] = tensor
            subject.start[key] = tensor.detach().clone()
    if recording.graph is not None and "reads" not in recording.facts:  # what Python read may be in the numbers
        say_constants(recording.graph, recording.leaves, dtype)
    return subject, answer | {"graph": recording.graph, "output": describe_output(recording.result)}


def _another(namespace: dict[str, Any], arguments: Json, x: Tensor) -> nn.Module:
    """A module that is made as the one under examination was, and that has not been called."""
    module = _constructed(namespace, arguments)
    if arguments.get("takes"):
        lend_call(module, arguments["takes"])
    _find_shapes(module.eval(), x)
    if not (_is_all_of(module, x.dtype) or _is_at_home_in_float64(module, x)):
        _make(module, x.dtype)
    return module


def _shared(namespace: dict[str, Any], arguments: Json, module: nn.Module) -> list[str]:
    """Names of parameters that another module has too, which is made in the same way, of arguments of its own."""
    try:
        theirs = {id(parameter) for parameter in _constructed(namespace, arguments).parameters()}
    except BaseException:
        return []
    return [name for name, parameter in module.named_parameters() if id(parameter) in theirs][:MOST_SHARED]


def _constructed(namespace: dict[str, Any], arguments: Json) -> nn.Module:
    """A module that is made in the same way, of arguments of its own."""
    positional, named = given(namespace, arguments)
    made: nn.Module = constructor(namespace, arguments["name"])(*positional, **named)
    return made


def _find_shapes(module: nn.Module, x: Tensor) -> None:
    """Run a module with Lazy layers, which take their shapes from the first input that they see.

    Code that chooses its way by the data may lead past some of them; other data lead it elsewhere, and training does.
    """
    for factor in (1, -1, 100, 0):
        if not _has_lazy(module):
            return
        try:
            with torch.no_grad():
                module(x * factor)
        except BaseException:
            if factor == 1:
                raise
    if _has_lazy(module):
        _find_shapes_in_training(module, x)


def _has_lazy(module: nn.Module) -> bool:
    return any(is_lazy(parameter) for parameter in module.parameters())


def _find_shapes_in_training(module: nn.Module, x: Tensor) -> None:
    """Shapes of layers that are used in training alone. Whatever that pass writes is as before again."""
    named = [*module.named_parameters(), *module.named_buffers()]
    before = [(tensor, tensor.detach().clone()) for _, tensor in named if not is_lazy(tensor)]
    late = [layer for layer in module.modules() if any(map(is_lazy, layer.parameters(recurse=False)))]
    module.train()
    with torch.no_grad():
        with suppress(BaseException):
            module(x * 1)
        for tensor, value in before:
            tensor.copy_(value)
    module.eval()
    for layer in late:
        if isinstance(layer, _NormBase) and not _has_lazy(layer):
            layer.reset_running_stats()


def _is_at_home_in_float64(module: nn.Module, x: Tensor) -> bool:
    """Has it made itself float64, and casts what it is given? Then it stays so in float32, which is as in real use."""
    if x.dtype is not torch.float32 or not _is_all_of(module, torch.float64):
        return False
    try:
        with torch.no_grad():
            module(x * 1)
    except Exception:
        return False  # it was made where float64 is the default
    return True


def _is_all_of(module: nn.Module, dtype: torch.dtype) -> bool:
    """Would `module.to(dtype)` change nothing? Layers with a way of their own to do it may have more to change."""
    parts = list(module.modules())
    held = (tensor for part in parts for tensor in (*part._parameters.values(), *part._buffers.values()))
    return (
        type(module).to is nn.Module.to
        and all(type(part)._apply is nn.Module._apply for part in parts)
        and not any(t.dtype not in (dtype, dtype.to_complex()) and _is_inexact(t) for t in held if t is not None)
    )


def _make(module: nn.Module, dtype: torch.dtype) -> None:
    """Give a module's numbers a type; complex ones, of which `module.to` would leave the real part, the like."""
    if any(map(torch.is_complex, [*module.parameters(), *module.buffers()])):
        for tensor in (*module.parameters(), *module.buffers()):
            if _is_inexact(tensor):
                tensor.data = tensor.data.to(dtype.to_complex() if tensor.is_complex() else dtype)
    else:
        module.to(dtype)


def _is_inexact(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _only_run(module: nn.Module, x: Tensor) -> Recording:
    """The same without recording, which takes far less time."""
    recording = Recording()
    try:
        recording.result = module(x)
    except BaseException as error:
        recording.error = error
    return recording


def _strangers(subject: Subject, result: object, start: Any) -> int:
    """How many leaves autograd would train that are no parameters of the module."""
    if not isinstance(result, Tensor):
        return 0
    known = {id(leaf) for leaf in subject.leaves.values()}
    return len(reached_by_autograd(result, start)[0] - known)


def _compile_nothing() -> None:
    """What torch.compile was told to compile runs as it is written: there is no compiler behind the wall, and compiled
    code cannot be recorded."""
    if "torch._dynamo" in sys.modules:
        torch.compiler.set_stance("force_eager")


def _try_without_recording(subject: Subject, x: Tensor, recording: Recording) -> None:
    """An exception counts as the student's when it is raised without a recorder too."""
    subject.restore()
    try:
        recording.result = subject.module(x.clone().requires_grad_() * 1)
    except BaseException:
        return
    recording.error = recording.failed = recording.partial = None


def run(
    subject: Subject, probe: Json, tensors: Tensors, setting: Setting, *, repeat: bool = True
) -> tuple[dict[str, Json], Tensors]:
    """One forward and, when a cotangent is sent, one backward pass.

    Args:
        probe: `train`: the mode; `seed`: of the generators, for modules that are random; `of_input`: is only the
            gradient of the input wanted? `stands_first`: does the input need none, as that of a network does?
        tensors: `x`, and `cotangent`, of the output's shape, when a backward pass is wanted.
        setting: what to set leaves to before.
        repeat: is a pass in training mode with a gradient repeated, to see whether it is `unsteady`? It always is where
            random numbers were drawn.

    Returns:
        Tensors `y`, `x` (the gradient of the input), `gradients` (of the learnable leaves that the output depends
        on, flattened and joined: few large tensors travel faster than many small ones) and `buffers` (after a pass in
        training mode, likewise). Their keys and sizes stand in the answer's `gradients` and `buffers`. On an exception
        `raised`, and `kept` if it comes of earlier calls: the output is not of this input, or another module that was
        never called does not raise; `output` describes what came back; `unsteady` is whether another pass gave another,
        `draws` what drew random numbers, and `by_mode` whether only a pass without gradients did.
    """
    torch.set_default_dtype(subject.dtype)
    seed_all(probe["seed"])
    subject.restore(setting)
    set_mode(subject.module, train=probe["train"])
    cotangent = tensors.get("cotangent")
    x = tensors["x"].to(subject.dtype).requires_grad_(cotangent is not None and not probe["stands_first"])
    repeated = probe["train"] and cotangent is not None
    before = states() if repeated else {}
    try:
        with torch.set_grad_enabled(cotangent is not None), without_faults(x, gradient=cotangent is not None):
            given = x * 1  # not a leaf: students may write to their input in place
            start = given.grad_fn
            result = subject.module(given)
    except BaseException as error:
        kept = _runs_anew(subject, probe, tensors, setting)
        return raised("forward", error) | {"kept": kept}, {}
    repeated = repeated and (repeat or before != states())  # who draws numbers may give something else next time
    answer: dict[str, Json] = {"output": describe_output(result), "input_changed": not torch.equal(given, x)}
    if not isinstance(result, Tensor) or not is_dense(result):
        return answer, {}
    out = {"y": result.detach().clone()}
    if cotangent is not None and cotangent.shape == result.shape and result.requires_grad:
        learnable = {key: leaf for key, leaf in subject.leaves.items() if leaf.requires_grad and leaf.is_leaf}
        for leaf in learnable.values():
            leaf.grad = None
        try:
            # As a training loop does it: reentrant checkpoints refuse torch.autograd.grad.
            torch.autograd.backward(weighed(result, cotangent), inputs=[x] if probe["of_input"] else None)
        except BaseException as error:
            if probe["of_input"]:  # reentrant checkpoints refuse this too
                x.grad = None
                again = probe | {"of_input": False}
                return run(subject, again, tensors, setting, repeat=repeat)
            kept = not reached_by_autograd(result, start)[1] or _runs_anew(subject, probe, tensors, setting)
            return answer | raised("backward", error) | {"kept": kept}, out
        if x.grad is not None:
            out["x"] = x.grad.detach()
        found = {key: leaf.grad for key, leaf in learnable.items() if leaf.grad is not None}
        answer["gradients"], out["gradients"] = _joined(found)
    if probe["train"]:
        now = _held(subject)
        buffers = {key: now.get(key, leaf) for key, leaf in subject.leaves.items() if not leaf.requires_grad}
        answer["buffers"], out["buffers"] = _joined({k: b for k, b in buffers.items() if b.is_floating_point()})
        if repeated:
            answer["unsteady"] = not is_steady(subject, x, result.detach(), probe["seed"])
            if answer["unsteady"]:
                answer["draws"] = draws(subject, x.detach())
                answer["by_mode"] = is_steady(subject, x, result.detach(), probe["seed"], gradient=True)
    return answer, out


def _runs_anew(subject: Subject, probe: Json, tensors: Tensors, setting: Setting) -> bool:
    """Does a module that was never called do without an exception what this one raises at?"""
    if subject.anew is None:
        return False
    try:
        fresh = Subject(subject.anew(), subject.dtype)
    except BaseException:
        return False
    _, fresh.leaves = registered(fresh.module, brief=True)
    keys = {id(leaf): key for key, leaf in subject.leaves.items()}
    told = zip(setting.leaves, setting.values, strict=True)
    values = {keys[id(leaf)]: value for leaf, value in told if keys[id(leaf)] in fresh.leaves}
    again, _ = run(fresh, probe, tensors, fresh.setting(values), repeat=False)
    return "raised" not in again


NO_NUMBERS = torch.zeros(0, dtype=torch.float64, device="cpu")


def _held(subject: Subject) -> Tensors:
    """The buffers that the module holds now, by key."""
    return {f"b:{name}": buffer for name, buffer in subject.module.named_buffers()}


def _joined(tensors: Tensors) -> tuple[list[Json], Tensor]:
    """Key and number of elements of each tensor, and all of their values in a row."""
    sizes = [[key, tensor.numel()] for key, tensor in tensors.items()]
    with torch.no_grad():
        return sizes, torch.cat([tensor.reshape(-1) for tensor in tensors.values()] or [NO_NUMBERS]).to(torch.float64)
