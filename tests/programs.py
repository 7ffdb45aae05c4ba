"""A seeded generator of student programs: a block, in one of many hands, right or with one mistake.

A *plan* says what the block computes; a *hand* says how a student writes that down. `program(seed, …)` depends on its
arguments alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

ACTIVATIONS = {
    "relu": ("nn.ReLU()", "F.relu({0})"),
    "leaky": ("nn.LeakyReLU()", "F.leaky_relu({0})"),
}
RELUS = (
    "F.relu({0})",
    "torch.relu({0})",
    "{0}.relu()",
    "{0}.clamp(min=0)",
    "torch.maximum({0}, torch.zeros_like({0}))",
    "torch.where({0} > 0, {0}, torch.zeros_like({0}))",
    "F.threshold({0}, 0.0, 0.0)",
    "{0} * ({0} > 0)",
)
SUMS = (
    "{f} + {g}",
    "{g} + {f}",
    "torch.add({f}, {g})",
    "{f}.add({g})",
    "sum([{f}, {g}])",
    "torch.stack(({f}, {g})).sum(0)",
    "{f} - (-{g})",
)


@dataclass
class Unit:
    """One convolution and what follows it. Numbers of channels and strides are Python expressions."""

    into: str
    out: str
    kernel: int
    stride: str = "1"
    padding: int | None = None
    norm: bool = True
    activation: str | None = None

    @property
    def pad(self) -> int:
        return self.kernel // 2 if self.padding is None else self.padding


@dataclass
class Plan:
    """What a block computes. `join` combines branch `{f}` and shortcut `{g}`; None adds them, in any spelling."""

    branch: list[Unit]
    projection: Unit = field(default_factory=lambda: Unit("i", "o", 1, "s"))
    condition: str = "s != 1 or i != o"
    join: str | None = None
    final: str | None = "relu"


def resblock(rng: random.Random) -> Plan:
    """The basic block."""
    return Plan([Unit("i", "o", 3, "s", activation="relu"), Unit("o", "o", 3)])


def bottleneck(rng: random.Random) -> Plan:
    """The bottleneck, v1 or v1.5."""
    first, second = rng.choice([("s", "1"), ("1", "s")])
    return Plan(
        [
            Unit("i", "o // 4", 1, first, activation="relu"),
            Unit("o // 4", "o // 4", 3, second, activation="relu"),
            Unit("o // 4", "o", 1),
        ]
    )


BLOCKS: dict[str, Callable[[random.Random], Plan]] = {"ResBlock": resblock, "Bottleneck": bottleneck}


# ---------------------------------------------------------------------- mistakes


def _joined(join: str) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        plan.join = join

    return change


def _projected(**fields: object) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        for name, value in fields.items():
            setattr(plan.projection, name, value)

    return change


def _condition(condition: str) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        plan.condition = condition

    return change


def _no_shortcut(plan: Plan) -> None:
    plan.join, plan.condition = "{f}", "False"


def _no_final(plan: Plan) -> None:
    plan.final = None


def _relu_before_add(plan: Plan) -> None:
    plan.join, plan.final = "F.relu({f}) + {g}", None


def _no_inner(plan: Plan) -> None:
    plan.branch[0].activation = None


def _leaky(plan: Plan) -> None:
    plan.final = "leaky"
    for unit in plan.branch[:-1]:
        unit.activation = "leaky"


def _no_norm(plan: Plan) -> None:
    plan.branch[-1].norm = False


def _no_stride(plan: Plan) -> None:
    for unit in plan.branch:
        unit.stride = "1"


def _stride_twice(plan: Plan) -> None:
    for unit in plan.branch[:2]:
        unit.stride = "s"


def _stride_last(plan: Plan) -> None:
    _no_stride(plan)
    plan.branch[-1].stride = "s"


def _wrong_kernel(plan: Plan) -> None:
    plan.branch[-1].kernel = 3 if plan.branch[-1].kernel == 1 else 1


def _wrong_padding(plan: Plan) -> None:
    next(unit for unit in reversed(plan.branch) if unit.kernel == 3).padding = 0


def _width(width: str) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        for unit in plan.branch:
            unit.into = unit.into.replace("o // 4", width)
            unit.out = unit.out.replace("o // 4", width)

    return change


# Name of the fault: the change, ids that name it truly, and the blocks that can have it.
BOTH = ("ResBlock", "Bottleneck")
MISTAKES: dict[str, tuple[Callable[[Plan], None], set[str], tuple[str, ...]]] = {
    "shortcut-missing": (_no_shortcut, {"shortcut-missing"}, BOTH),
    "shortcut-multiplied": (_joined("{f} * {g}"), {"shortcut-multiplied"}, BOTH),
    "shortcut-divided": (_joined("{f} / {g}"), {"shortcut-divided"}, BOTH),
    "shortcut-subtracted": (_joined("{f} - {g}"), {"shortcut-subtracted"}, BOTH),
    "shortcut-concatenated": (_joined("torch.cat([{f}, {g}], dim=1)"), {"shortcut-concatenated"}, BOTH),
    "shortcut-scaled": (_joined("{f} + 0.5 * {g}"), {"shortcut-scaled"}, BOTH),
    "shortcut-gated": (_joined("torch.max({f}, {g})"), {"shortcut-gated"}, BOTH),
    "shortcut-detached": (_joined("{f} + {g}.detach()"), {"shortcut-detached"}, BOTH),
    "branch-detached": (_joined("{f}.detach() + {g}"), {"branch-detached"}, BOTH),
    "branch-added-to-itself": (_joined("{f} + {f}"), {"branch-added-to-itself"}, BOTH),
    "shortcut-added-twice": (_joined("{f} + {g} + {g}"), {"shortcut-added-twice", "shortcut-scaled"}, BOTH),
    "shortcut-activated": (_joined("{f} + F.relu({g})"), {"shortcut-activated"}, BOTH),
    "extra-activation": (_joined("F.relu({f}) + {g}"), {"extra-activation"}, BOTH),
    "relu-before-add": (_relu_before_add, {"relu-before-add"}, BOTH),
    "final-relu-missing": (_no_final, {"final-relu-missing"}, BOTH),
    "inner-relu-missing": (_no_inner, {"inner-relu-missing"}, BOTH),
    "wrong-activation": (_leaky, {"wrong-activation"}, BOTH),
    "bn-missing": (_no_norm, {"bn-missing"}, BOTH),
    "projection-missing": (_condition("False"), {"projection-missing"}, BOTH),
    "projection-always": (_condition("True"), {"projection-always"}, BOTH),
    "projection-wrong-condition": (_condition("i != o"), {"projection-wrong-condition"}, BOTH),
    "projection-without-bn": (_projected(norm=False), {"projection-without-bn"}, BOTH),
    "projection-wrong-kernel": (_projected(kernel=3), {"projection-wrong-kernel"}, BOTH),
    "projection-ignores-stride": (_projected(stride="1"), {"projection-ignores-stride"}, BOTH),
    "projection-wrong-stride": (_projected(stride="2"), {"projection-wrong-stride"}, BOTH),
    "stride-ignored": (_no_stride, {"stride-ignored"}, BOTH),
    "stride-in-both": (_stride_twice, {"stride-in-both"}, BOTH),
    "wrong-stride-layer": (_stride_last, {"wrong-stride-layer"}, BOTH),
    "wrong-kernel": (_wrong_kernel, {"wrong-kernel"}, BOTH),
    "wrong-padding": (_wrong_padding, {"wrong-padding"}, BOTH),
    "wrong-expansion": (_width("o // 2"), {"wrong-expansion"}, ("Bottleneck",)),
    "bottleneck-not-narrowed": (_width("o"), {"bottleneck-not-narrowed"}, ("Bottleneck",)),
}


# ---------------------------------------------------------------------- hands

BATCH_NORM = """
class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.beta, self.gamma = nn.Parameter(torch.zeros(c)), nn.Parameter(torch.ones(c))
        self.register_buffer("var", torch.ones(c))
        self.register_buffer("mean", torch.zeros(c))

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            n = x.numel() / x.shape[1]
            with torch.no_grad():
                self.mean.mul_(0.9).add_(0.1 * mean)
                self.var.mul_(0.9).add_(0.1 * var * n / (n - 1))
        q = lambda v: v[None, :, None, None]
        return (x - q(mean)) * torch.rsqrt(q(var) + 1e-5) * q(self.gamma) + q(self.beta)
"""
UNFOLDED = """
class Conv(nn.Module):
    def __init__(self, i, o, k, s, p, b):
        super().__init__()
        self.w = nn.Parameter(torch.randn(o, i, k, k) * 0.1)
        self.b = nn.Parameter(torch.zeros(o)) if b else None
        self.how = k, s, p

    def forward(self, x):
        k, s, p = self.how
        n, _, h, w = x.shape
        y = torch.einsum("ok,nkl->nol", self.w.flatten(1), F.unfold(x, k, padding=p, stride=s))
        y = y.view(n, -1, (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1)
        return y if self.b is None else y + self.b[:, None, None]
"""
POINTWISE = """
class Point(nn.Linear):
    def __init__(self, i, o, s, bias):
        super().__init__(i, o, bias=bias)
        self.s = s

    def forward(self, x):
        return super().forward(x[:, :, :: self.s, :: self.s].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
"""
CONV_BN = """
class ConvBN(nn.Module):
    def __init__(self, i, o, k, s, p, bias, norm, act):
        super().__init__()
        self.act = act
        self.norm = nn.BatchNorm2d(o) if norm else nn.Identity()
        self.conv = nn.Conv2d(i, o, k, s, p, bias=bias)

    def forward(self, x):
        x = self.norm(self.conv(x))
        return x if self.act is None else self.act(x)
"""


class Hand:
    """How a student writes. The plain hand keeps layers in attributes; others override what they do otherwise."""

    helpers = ""
    base = "nn.Module"

    def __init__(self, rng: random.Random, biases: str | None = None) -> None:
        self.rng = rng
        self.biases = biases or rng.choice(("no", "no", "all"))
        self.names: dict[str, str] = {}

    # What a hand may change: how a layer is made, kept and called.

    def name(self, label: str) -> str:
        return label

    def keep(self, label: str, layer: str) -> str:
        return f"self.{self.named(label)} = {layer}"

    def call(self, label: str, value: str) -> str:
        return f"self.{self.named(label)}({value})"

    def conv(self, unit: Unit, bias: bool) -> str:
        given = f"stride={unit.stride}, padding={unit.pad}"
        if self.rng.random() < 0.3:
            given = f"{unit.stride}, {unit.pad}"
        return f"nn.Conv2d({unit.into}, {unit.out}, {unit.kernel}, {given}, bias={bias})"

    def norm(self, channels: str) -> str:
        return f"nn.BatchNorm2d({channels})"

    def activate(self, value: str, kind: str) -> str:
        return (self.rng.choice(RELUS) if kind == "relu" else ACTIVATIONS[kind][1]).format(value)

    def order(self, lines: list[str]) -> list[str]:
        return lines

    def prepare(self) -> list[str]:
        return []

    def add(self, f: str, g: str) -> list[str]:
        return [f"y = {self.rng.choice(SUMS).format(f=f, g=g)}"]

    # What all hands share.

    def named(self, label: str) -> str:
        return self.names.setdefault(label, self.name(label))

    def bias(self, unit: Unit) -> bool:
        """Redundant in front of a batch norm, and free; elsewhere there is none."""
        return unit.norm and (self.biases == "all" or (self.biases == "some" and self.rng.random() < 0.4))

    def declare(self, label: str, unit: Unit) -> list[str]:
        lines = [self.keep(f"conv{label}", self.conv(unit, self.bias(unit)))]
        return lines + ([self.keep(f"bn{label}", self.norm(unit.out))] if unit.norm else [])

    def run(self, label: str, unit: Unit, value: str, out: str) -> list[str]:
        lines = [f"{out} = {self.call(f'conv{label}', value)}"]
        if unit.norm:
            lines.append(f"{out} = {self.call(f'bn{label}', out)}")
        if unit.activation:
            lines.append(f"{out} = {self.activate(out, unit.activation)}")
        return lines

    def constructor(self, plan: Plan) -> list[str]:
        lines = [line for n, unit in enumerate(plan.branch, 1) for line in self.declare(str(n), unit)]
        projection = self.declare("p", plan.projection)
        return [
            *self.prepare(),
            *self.order(lines),
            f"self.projects = {plan.condition}",
            "if self.projects:",
            *("    " + line for line in projection),
        ]

    def branch(self, plan: Plan) -> list[str]:
        lines, value = [], "x"
        for n, unit in enumerate(plan.branch, 1):
            lines += self.run(str(n), unit, value, "f")
            value = "f"
        return lines

    def shortcut(self, plan: Plan) -> list[str]:
        lines = self.run("p", plan.projection, "x", "g")
        return ["g = x", "if self.projects:", *("    " + line for line in lines)]

    def end(self, plan: Plan) -> list[str]:
        lines = self.add("f", "g") if plan.join is None else [f"y = {plan.join.format(f='f', g='g')}"]
        return [*lines, f"return {self.activate('y', plan.final) if plan.final else 'y'}"]

    def noise(self) -> list[str]:
        """What students leave in their code."""
        return [
            line
            for line in (
                "assert x.dim() == 4, x.shape",
                "shape = tuple(x.shape)",
                "if torch.isnan(x).any():\n            print('NaN', x.mean().item())",
            )
            if self.rng.random() < 0.15
        ]

    def write(self, plan: Plan, name: str) -> str:
        start = self.rng.choice(["super().__init__()", f"super({name}, self).__init__()", "nn.Module.__init__(self)"])
        constructor = [start, *self.constructor(plan)]
        if self.rng.random() < 0.2:
            constructor += [
                "for p in self.parameters():",
                "    if p.dim() > 1:",
                "        nn.init.kaiming_normal_(p, nonlinearity='relu')",
            ]
        branch, shortcut = self.branch(plan), self.shortcut(plan)
        parts = [branch, shortcut] if self.rng.random() < 0.6 else [shortcut, branch]
        forward = [*self.noise(), *parts[0], *parts[1], *self.end(plan)]
        head = f"class {name}({self.base}):\n    def __init__(self, i, o, s=1):\n"
        return (
            HEAD
            + self.helpers
            + "\n\n"
            + head
            + "".join(f"        {line}\n" for line in constructor)
            + "\n    def forward(self, x):\n"
            + "".join(f"        {line}\n" for line in forward)
        )


class Shuffled(Hand):
    """Names that say nothing, registered in any order."""

    def name(self, label: str) -> str:
        return "".join(self.rng.choices("abcdefghkmpqrstuvwz", k=4)) + label[-1]

    def order(self, lines: list[str]) -> list[str]:
        return self.rng.sample(lines, len(lines))


class Listed(Hand):
    """An nn.ModuleList and numbers."""

    def prepare(self) -> list[str]:
        return ["self.parts = nn.ModuleList()"]

    def name(self, label: str) -> str:
        return str(len(self.names))

    def keep(self, label: str, layer: str) -> str:
        self.named(label)
        return f"self.parts.append({layer})"

    def call(self, label: str, value: str) -> str:
        return f"self.parts[{self.named(label)}]({value})"


class Keyed(Hand):
    """An nn.ModuleDict."""

    def prepare(self) -> list[str]:
        return ["self.parts = nn.ModuleDict()"]

    def keep(self, label: str, layer: str) -> str:
        return f"self.parts[{label!r}] = {layer}"

    def call(self, label: str, value: str) -> str:
        return f"self.parts[{label!r}]({value})"

    def order(self, lines: list[str]) -> list[str]:
        return lines[::-1]


class ByName(Hand):
    """setattr and getattr with f-strings."""

    def keep(self, label: str, layer: str) -> str:
        return f'setattr(self, f"layer_{{{label!r}}}", {layer})'

    def call(self, label: str, value: str) -> str:
        return f'getattr(self, f"layer_{{{label!r}}}")({value})'


class Functional(Hand):
    """Parameters, buffers and torch.nn.functional."""

    def declare(self, label: str, unit: Unit) -> list[str]:
        k = unit.kernel
        lines = [f"self.w{label} = nn.Parameter(torch.randn({unit.out}, {unit.into}, {k}, {k}) * 0.1)"]
        bias = f"nn.Parameter(torch.zeros({unit.out}))" if self.bias(unit) else "None"
        lines.append(f"self.b{label} = {bias}")
        lines.append(f"self.s{label} = {unit.stride}")
        if unit.norm:
            lines += [
                f"self.shift{label} = nn.Parameter(torch.zeros({unit.out}))",
                f"self.scale{label} = nn.Parameter(torch.ones({unit.out}))",
                f"self.register_buffer('v{label}', torch.ones({unit.out}))",
                f"self.register_buffer('m{label}', torch.zeros({unit.out}))",
            ]
        return lines

    def order(self, lines: list[str]) -> list[str]:
        return self.rng.sample(lines, len(lines))

    def run(self, label: str, unit: Unit, value: str, out: str) -> list[str]:
        lines = [f"{out} = F.conv2d({value}, self.w{label}, self.b{label}, self.s{label}, {unit.pad})"]
        if unit.norm:
            statistics = f"self.m{label}, self.v{label}, self.scale{label}, self.shift{label}"
            lines.append(f"{out} = F.batch_norm({out}, {statistics}, self.training, 0.1, 1e-5)")
        if unit.activation:
            lines.append(f"{out} = {self.activate(out, unit.activation)}")
        return lines


class Handmade(Hand):
    """Convolution by unfold and einsum, batch norm by hand."""

    helpers = UNFOLDED + BATCH_NORM

    def conv(self, unit: Unit, bias: bool) -> str:
        return f"Conv({unit.into}, {unit.out}, {unit.kernel}, {unit.stride}, {unit.pad}, {bias})"

    def norm(self, channels: str) -> str:
        return f"Norm({channels})"


class Linear(Shuffled):
    """1×1 convolutions as linear layers over the channels."""

    helpers = POINTWISE

    def conv(self, unit: Unit, bias: bool) -> str:
        if unit.kernel != 1 or unit.pad:
            return super().conv(unit, bias)
        return f"Point({unit.into}, {unit.out}, {unit.stride}, {bias})"


class Composed(Hand):
    """A helper class for convolution, batch norm and activation."""

    helpers = CONV_BN

    def declare(self, label: str, unit: Unit) -> list[str]:
        sizes = f"{unit.into}, {unit.out}, {unit.kernel}, {unit.stride}, {unit.pad}"
        act = ACTIVATIONS[unit.activation][0] if unit.activation else "None"
        return [self.keep(f"unit{label}", f"ConvBN({sizes}, {self.bias(unit)}, {unit.norm}, {act})")]

    def run(self, label: str, unit: Unit, value: str, out: str) -> list[str]:
        return [f"{out} = {self.call(f'unit{label}', value)}"]


class Sequences(Hand):
    """nn.Sequential for the branch and for the shortcut."""

    def layers(self, unit: Unit) -> list[str]:
        found = [self.conv(unit, self.bias(unit))] + ([self.norm(unit.out)] if unit.norm else [])
        return found + ([ACTIVATIONS[unit.activation][0]] if unit.activation else [])

    def constructor(self, plan: Plan) -> list[str]:
        branch = [layer for unit in plan.branch for layer in self.layers(unit)]
        if self.rng.random() < 0.5:
            cut = self.rng.randrange(1, len(branch))
            branch = [f"nn.Sequential({', '.join(branch[:cut])})", *branch[cut:]]
        return [
            f"self.skip = nn.{self.rng.choice(['Sequential', 'Identity'])}()",
            f"if {plan.condition}:",
            f"    self.skip = nn.Sequential({', '.join(self.layers(plan.projection))})",
            f"self.body = nn.Sequential({', '.join(branch)})",
        ]

    def branch(self, plan: Plan) -> list[str]:
        return ["f = self.body(x)"]

    def shortcut(self, plan: Plan) -> list[str]:
        return ["g = self.skip(x)"]


class InPlace(Hand):
    """+=, relu_ and inplace=True."""

    def activate(self, value: str, kind: str) -> str:
        if kind != "relu":
            return super().activate(value, kind)
        return self.rng.choice(("{0}.relu_()", "F.relu({0}, inplace=True)", "{0}.clamp_(min=0)")).format(value)

    def add(self, f: str, g: str) -> list[str]:
        return self.rng.choice(([f"{f} += {g}", f"y = {f}"], [f"y = {f}.add_({g})"], [f"y = {f}", f"y[:] += {g}"]))


class Inherited(Hand):
    """Forward in a base class, layers in the derived one."""

    def write(self, plan: Plan, name: str) -> str:
        forward = [*self.noise(), "f, g = self.f(x), self.g(x)", *self.end(plan)]
        methods = {"forward": forward}
        own = {
            "f": [*self.branch(plan), "return f"],
            "g": [*self.shortcut(plan), "return g"],
            "__init__": ["super().__init__()", *self.constructor(plan)],
        }
        return (
            HEAD
            + "\n\nclass Base(nn.Module):\n"
            + "".join(self._method(method, lines) for method, lines in methods.items())
            + f"\n\nclass {name}(Base):\n"
            + "".join(self._method(method, lines) for method, lines in own.items())
        )

    @staticmethod
    def _method(name: str, lines: list[str]) -> str:
        arguments = "self, i, o, s=1" if name == "__init__" else "self, x"
        return f"    def {name}({arguments}):\n" + "".join(f"        {line}\n" for line in lines) + "\n"


HANDS: dict[str, type[Hand]] = {
    hand.__name__: hand
    for hand in (
        Hand,
        Shuffled,
        Listed,
        Keyed,
        ByName,
        Functional,
        Handmade,
        Linear,
        Composed,
        Sequences,
        InPlace,
        Inherited,
    )
}


@dataclass(frozen=True)
class Program:
    """A student's cell. `names` are the mistakes that say truly what is wrong; none when nothing is."""

    source: str
    exercise_id: str
    hand: str
    mistake: str | None
    names: frozenset[str]


def program(seed: int, block: str, hand: str, mistake: str | None = None, biases: str | None = None) -> Program:
    """One program.

    Args:
        biases: which convolutions in front of a batch norm have one: "no", "some" or "all"; None chooses no or all.
    """
    rng = random.Random(f"{seed} {block} {hand} {mistake}")
    plan = BLOCKS[block](rng)
    names: set[str] = set()
    if mistake is not None:
        change, names, _ = MISTAKES[mistake]
        change(plan)
    source = HANDS[hand](rng, biases).write(plan, block)
    return Program(source, block.lower(), hand, mistake, frozenset(names))


def programs(count: int, first: int = 0) -> list[Program]:
    """As many programs as asked for, a third of them right, every hand and mistake in turn."""
    rng = random.Random(f"programs {first}")
    found = []
    for number in range(first, first + count):
        block = list(BLOCKS)[number % 2]
        hand = list(HANDS)[number // 2 % len(HANDS)]
        possible = [mistake for mistake, (_, _, blocks) in MISTAKES.items() if block in blocks]
        found.append(program(number, block, hand, None if number % 3 == 0 else rng.choice(possible)))
    return found
