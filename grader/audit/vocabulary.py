"""How operations are said in PyTorch: as a function, and where there is one as a module of torch.nn.

In a template `{name}` is an argument by aten's name, and `{_}` all arguments that are not named in it and not at their
default, as keywords. An operation with arguments that no template takes is not written.
"""

from __future__ import annotations

import string
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """Ways to say one operation; the first that takes all arguments is used."""

    functions: tuple[str, ...]
    modules: tuple[str, ...] = ()


def _word(*functions: str, module: str | tuple[str, ...] = ()) -> Word:
    return Word(functions, (module,) if isinstance(module, str) else module)


WORDS: dict[str, Word] = {
    # activations
    "relu": _word("F.relu({self})", module="nn.ReLU()"),
    "leaky_relu": _word("F.leaky_relu({self}{_})", module="nn.LeakyReLU({_})"),
    "gelu": _word("F.gelu({self}{_})", module="nn.GELU({_})"),
    "sigmoid": _word("torch.sigmoid({self})", module="nn.Sigmoid()"),
    "tanh": _word("torch.tanh({self})", module="nn.Tanh()"),
    "silu": _word("F.silu({self})", module="nn.SiLU()"),
    "elu": _word("F.elu({self})", "F.elu({self}, {alpha})", module="nn.ELU()"),
    "hardtanh": _word("F.hardtanh({self}{_})", module="nn.Hardtanh({_})"),
    "hardswish": _word("F.hardswish({self})", module="nn.Hardswish()"),
    "hardsigmoid": _word("F.hardsigmoid({self})", module="nn.Hardsigmoid()"),
    "mish": _word("F.mish({self})", module="nn.Mish()"),
    "softplus": _word("F.softplus({self}{_})", module="nn.Softplus({_})"),
    "prelu": _word("F.prelu({self}, {weight})"),
    "instance_norm": _word(
        "F.instance_norm({self}, {running_mean}, {running_var}, {weight}, {bias}, {use_input_stats}, {momentum}, {eps})"
    ),
    "threshold": _word("F.threshold({self}, {threshold}, {value})"),
    "_softmax": _word("torch.softmax({self}, {dim})", module="nn.Softmax({dim})"),
    "_log_softmax": _word("torch.log_softmax({self}, {dim})", module="nn.LogSoftmax({dim})"),
    # one value
    "identity": _word("{self}", module="nn.Identity()"),
    "abs": _word("torch.abs({self})"),
    "neg": _word("-{self}"),
    "exp": _word("torch.exp({self})"),
    "log": _word("torch.log({self})"),
    "sqrt": _word("torch.sqrt({self})"),
    "rsqrt": _word("torch.rsqrt({self})"),
    "reciprocal": _word("1 / {self}"),
    "pow": _word("{self} ** {exponent}"),
    "clamp": _word("torch.clamp({self}{_})"),
    "clamp_min": _word("torch.clamp({self}, min={min})"),
    "detach": _word("{self}.detach()"),
    "clone": _word("{self}.clone()"),
    "zeros_like": _word("torch.zeros_like({self})"),
    "ones_like": _word("torch.ones_like({self})"),
    # two values
    "add": _word("{self} + {other}", "torch.add({self}, {other}, alpha={alpha})"),
    "sub": _word("{self} - {other}", "torch.sub({self}, {other}, alpha={alpha})"),
    "rsub": _word("{other} - {self}"),
    "mul": _word("{self} * {other}"),
    "div": _word("{self} / {other}"),
    "maximum": _word("torch.maximum({self}, {other})"),
    "minimum": _word("torch.minimum({self}, {other})"),
    "where": _word("torch.where({condition}, {self}, {other})"),
    "gt": _word("{self} > {other}"),
    "ge": _word("{self} >= {other}"),
    "lt": _word("{self} < {other}"),
    "le": _word("{self} <= {other}"),
    "mm": _word("{self} @ {mat2}"),
    "bmm": _word("torch.bmm({self}, {mat2})"),
    # shapes
    "t": _word("{self}.t()"),
    "view": _word("{self}.reshape({size})"),
    "_unsafe_view": _word("{self}.reshape({size})"),
    "flatten": _word("torch.flatten({self}, {start_dim})", module="nn.Flatten({start_dim})"),
    "transpose": _word("{self}.transpose({dim0}, {dim1})"),
    "permute": _word("{self}.permute({dims})"),
    "unsqueeze": _word("{self}.unsqueeze({dim})"),
    "squeeze": _word("{self}.squeeze({dim})"),
    "expand": _word("{self}.expand({size})"),
    "repeat": _word("{self}.repeat({repeats})"),
    "select": _word("{self}.select({dim}, {index})"),
    "slice": _word("{self}[{index}]"),
    "split": _word("torch.split({self}, {split_size}{_})"),
    "split_with_sizes": _word("torch.split({self}, {split_sizes}{_})"),
    "unbind": _word("torch.unbind({self}{_})"),
    "getitem": _word("{self}[{index}]"),
    "cat": _word("torch.cat({tensors}{_})"),
    "stack": _word("torch.stack({tensors}{_})"),
    "constant_pad_nd": _word("F.pad({self}, {pad})", "F.pad({self}, {pad}, value={value})"),
    "replication_pad2d": _word("F.pad({self}, {padding}, mode='replicate')"),
    "reflection_pad2d": _word("F.pad({self}, {padding}, mode='reflect')"),
    "_pad_circular": _word("F.pad({self}, {pad}, mode='circular')"),
    # sums and pools
    "mean": _word("{self}.mean({_})"),
    "var": _word("{self}.var({_})"),
    "sum": _word("{self}.sum({_})"),
    "amax": _word("{self}.amax({_})"),
    "_adaptive_avg_pool2d": _word(
        "F.adaptive_avg_pool2d({self}, {output_size})", module="nn.AdaptiveAvgPool2d({output_size})"
    ),
    "avg_pool2d": _word("F.avg_pool2d({self}, {kernel_size}{_})", module="nn.AvgPool2d({kernel_size}{_})"),
    "max_pool2d_with_indices": _word("F.max_pool2d({self}, {kernel_size}{_})", module="nn.MaxPool2d({kernel_size}{_})"),
    "adaptive_avg_pool2d": _word(
        "F.adaptive_avg_pool2d({self}, {output_size})", module="nn.AdaptiveAvgPool2d({output_size})"
    ),
    "max_pool2d": _word("F.max_pool2d({self}, {kernel_size}{_})", module="nn.MaxPool2d({kernel_size}{_})"),
    "upsample_bilinear2d": _word(
        "F.interpolate({self}, size={output_size}, mode='bilinear', align_corners={align_corners})"
    ),
    "upsample_nearest2d": _word("F.interpolate({self}, size={output_size})"),
}


def fill(template: str, arguments: dict[str, str]) -> str | None:
    """The template with these arguments, or None when it cannot take them."""
    named = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    rest = {name: text for name, text in arguments.items() if name not in named}
    if not named - {"_"} <= set(arguments) or (rest and "_" not in named):
        return None
    keywords = ", ".join(f"{name}={text}" for name, text in rest.items())
    separator = ", " if keywords and "({_}" not in template else ""
    return template.format(**arguments, _=separator + keywords)


def slice_index(arguments: dict[str, str]) -> str:
    """What stands in the brackets of `x[:, 4:8]`."""
    start, end, step = (arguments.get(name, "") for name in ("start", "end", "step"))
    places = [":"] * int(arguments.get("dim", "0"))
    start, end = ("" if text == "None" else text for text in (start, end))
    return ", ".join([*places, f"{start}:{end}:{step}" if step else f"{start}:{end}"])
