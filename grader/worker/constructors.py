"""What a student's class or function takes, as plain data, and the call of it."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from torch import nn

Json = Any
MOST_PARAMETERS = 50
KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "either",
    inspect.Parameter.KEYWORD_ONLY: "named",
    inspect.Parameter.VAR_POSITIONAL: "rest",
    inspect.Parameter.VAR_KEYWORD: "named rest",
}


def describe_constructor(target: Any, module: object = None) -> Json:
    """Names, kinds and sorts of default of its parameters, and `expansion` if the class or `module` states one."""
    try:
        parameters = list(inspect.signature(target).parameters.values())[:MOST_PARAMETERS]
        expansion = getattr(target if module is None else module, "expansion", None)
    except BaseException:
        return None
    return {
        "parameters": [
            {"name": parameter.name[:100], "kind": KINDS[parameter.kind], "default": _sort(parameter.default)}
            for parameter in parameters
        ],
        "expansion": expansion if type(expansion) is int and 0 < expansion < 1000 else None,
    }


def _sort(default: object) -> str | None:
    """What sort of default it is; None when there is none."""
    if default is inspect.Parameter.empty:
        return None
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return "number" if isinstance(default, int | float) else "other"


def constructor(namespace: dict[str, Any], name: str) -> Any:
    """What makes a module: what has this name, or, where that is a module already, its class.

    One that its class would not make like this, as `model = nn.Sequential(…)`, is copied, whatever is asked for.
    """
    target = namespace[name]
    return _Maker(target) if isinstance(target, nn.Module) else target


class _Maker:
    """Makes modules like one that a notebook has made."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        if type(module).__module__.partition(".")[0] != "torch":
            self.__signature__ = inspect.signature(type(module))

    def __call__(self, *positional: Any, **named: Any) -> Any:
        try:
            self.__signature__.bind(*positional, **named)
        except (AttributeError, TypeError):
            return copy.deepcopy(self._module)
        return type(self._module)(*positional, **named)


def given(namespace: dict[str, Any], arguments: Json) -> tuple[list[Any], dict[str, Any]]:
    """What to call a constructor with, by position and by name.

    Args:
        arguments: `positional` and `named`. A value is plain, or one of two that do not travel:
            `{"projection": [in, out, stride]}`, a 1×1 convolution with its batch norm; `{"defined": name}`, what the
            notebook defines under a name.
    """
    positional = [_value(value, namespace) for value in arguments["positional"]]
    return positional, {name: _value(value, namespace) for name, value in arguments["named"].items()}


def _value(value: Json, namespace: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    if "defined" in value:
        return namespace[value["defined"]]
    channels, out_channels, stride = value["projection"]
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
    )
