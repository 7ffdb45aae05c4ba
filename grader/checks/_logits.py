"""Are a network's outputs logits? Probabilities are told by the numbers alone."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grader.checks import _gradient_lessons as lessons
from grader.checks._check import Finding, in_case, place
from grader.judge.examined import Examined
from grader.language import say
from grader.verdict import Status

SQUASHING: dict[str, Callable[[torch.Tensor], bool]] = {
    "sigmoid": lambda y: bool(((y >= 0) & (y <= 1)).all()),
    "tanh": lambda y: bool((y.abs() <= 1).all()),
    "relu": lambda y: bool((y >= 0).all()),
}


def normalised_outputs(examined: Examined) -> Finding | None:
    """Probabilities where logits are asked for: told by the numbers alone."""
    for seen in examined.ran:
        graph = seen.built.graph
        last = graph.by_id[graph.output].name if graph is not None and graph.is_sound else ""
        ys = [answer.y for answer in seen.answers.values() if answer.y is not None]
        if last in SQUASHING and ys and all(SQUASHING[last](y) for y in ys):
            return Finding(
                Status.FAILED,
                say(
                    "{case}: the network ends in {last}, and its outputs show it.",
                    case=in_case(examined, seen),
                    last=last,
                ),
                lesson=lessons.SQUASHED,
                expected=say("logits"),
                actual=last,
                advice=say("End with the linear layer: its outputs are the logits."),
                **place(seen, "output"),
            )
        for answer in seen.answers.values():
            if answer.y is None or answer.y.dim() != 2 or answer.y.shape[1] < 2:
                continue
            y = answer.y.double()
            softmax = bool((y >= 0).all()) and torch.allclose(y.sum(1), torch.ones(len(y), dtype=y.dtype), atol=1e-5)
            if softmax or torch.allclose(y.logsumexp(1), torch.zeros(len(y), dtype=y.dtype), atol=1e-5):
                case = in_case(examined, seen)
                return Finding(
                    Status.FAILED,
                    say("{case}: the outputs are probabilities.", case=case)
                    if softmax
                    else say("{case}: the outputs are logarithms of probabilities.", case=case),
                    lesson=lessons.PROBABILITIES,
                    expected=say("logits"),
                    actual="softmax" if softmax else "log-softmax",
                    advice=say("Leave out the softmax: nn.CrossEntropyLoss applies it to the logits itself."),
                    **place(seen, "output"),
                )
    return None
