"""Unusual ways to say usual things."""

from __future__ import annotations

from grader.audit.program import Step
from grader.audit.style import Style

SPELLINGS = {
    "relu": (
        "F.relu({self})",
        "torch.relu({self})",
        "{self}.relu()",
        "{self}.clamp(min=0)",
        "torch.maximum({self}, torch.zeros_like({self}))",
        "torch.where({self} > 0, {self}, torch.zeros_like({self}))",
        "F.threshold({self}, 0.0, 0.0)",
        "{self} * ({self} > 0)",
        "nn.ReLU()({self})",
        "nn.functional.relu_({self}.clone())",
    ),
    "add": (
        "{self} + {other}",
        "{other} + {self}",
        "torch.add({self}, {other})",
        "{self}.add({other})",
        "sum([{self}, {other}])",
        "torch.stack(({self}, {other})).sum(0)",
        "{self} - (-{other})",
    ),
    "mul": ("{self} * {other}", "{other} * {self}", "torch.mul({self}, {other})", "{self}.mul({other})"),
    "sub": ("{self} - {other}", "torch.sub({self}, {other})", "{self} + (-{other})"),
    "sigmoid": ("torch.sigmoid({self})", "{self}.sigmoid()", "1 / (1 + torch.exp(-{self}))"),
    "tanh": ("torch.tanh({self})", "{self}.tanh()"),
    "silu": ("F.silu({self})", "{self} * torch.sigmoid({self})"),
}


class Spelled(Style):
    """torch.stack(…).sum(0) for a sum, torch.where for a ReLU."""

    def operation(self, step: Step, arguments: dict[str, str]) -> str:
        spellings = SPELLINGS.get(step.op, ())
        if not spellings or not set(arguments) <= {"self", "other"}:
            return super().operation(step, arguments)
        # What takes two values may be given a number as well: that cannot be stacked or negated as a tensor.
        takes = [text for text in spellings if len(step.inputs) == 2 or "other" not in arguments or "torch" not in text]
        return self.rng.choice(takes).format(**arguments)
