"""How a student's constructor is called: as the task says, or as its own parameters say.

Of real residual blocks less than half take "in, out, stride" in this order. Where the names of the parameters leave
no doubt about what they are for, the module is called as it wants to be, and judged. Whether that costs points, the
assignment decides (`accept`). Names are a self-report: they choose the call, and numbers judge what comes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.observation import Constructor, Parameter

# What parameters are for, by the names that real code gives them (without underscores, in small letters).
ROLES: dict[str, frozenset[str]] = {
    "in": frozenset(
        "inchannels inchannel inch inchs inc cin inplanes inplane inputchannels inputchannel inputch inputplanes "
        "inputdim indim infilters inputfilters infeatures ninput nin inp inchan inchans channelsin numinput".split()
    ),
    "out": frozenset(
        "outchannels outchannel outch outchs outc cout outplanes outplane outputchannels outputchannel outputch "
        "outputplanes outputdim outdim outfilters outputfilters outfeatures noutput nout oup outchan outchans "
        "channelsout planes plane numchannels numfilters filters intermediatechannels intermediatechannel "
        "midchannels midplanes hiddenchannels bottleneckchannels".split()
    ),
    "stride": frozenset("stride strides firststride initialstride convstride stridesize s".split()),
    "project": frozenset(
        "downsample idownsample identitydownsample downsampling downsampler isdownsample dodownsample downsampleblock "
        "downsamplelayer shortcut useshortcut projection useprojection project proj shortcutprojection use1x1conv "
        "use1x1 useconv1x1 convshortcut useconvshortcut changeshape increasedim".split()
    ),
    "outputs": frozenset(
        "numclasses numclass nclasses nclass classes numberofclasses classnum classcount outputs numoutputs noutputs "
        "outputdim outdim outputsize outfeatures nout numlabels nlabels outchannels out".split()
    ),
    "block": frozenset(
        "block blocks blk blockclass blocktype blockcls blockfn resblock resblocks residualblock basicblock bottleneck "
        "resnetblock residual".split()
    ),
    "layers": frozenset(
        "layers layer layerlist layerslist numlayers nlayers layersizes numblocks nblocks numblock blockslist "
        "numblockslist blocksperstage blocknums numblocksperlayer repeats depths structure stages config".split()
    ),
}
# Names for the width inside a block whose output is `expansion` times as wide.
INNER = frozenset("planes plane intermediatechannels midchannels midplanes hiddenchannels bottleneckchannels".split())


Projection = Literal["module", "flag", "stride"]
# Departures that no assignment accepts: an argument that some case leaves out has no default, or is not there at all.
DEFAULT_MISSING = "default-missing"
ARGUMENT_MISSING = "argument-missing"
OUTPUTS_MISSING = "outputs-missing"  # a network that does not let anyone choose
CONTRADICTING = frozenset("any-order any-names downsample-flag block-class two-widths".split())


@dataclass(frozen=True)
class Call:
    """Arguments as they are sent: plain values, and those that the worker makes (see its `construct`)."""

    positional: list[JsonValue] = field(default_factory=list)
    named: dict[str, JsonValue] = field(default_factory=dict)

    def __str__(self) -> str:
        """As it would be written: `(8, 16, stride=2)`."""
        named = [f"{name}={_written(value)}" for name, value in self.named.items()]
        return f"({', '.join([*map(_written, self.positional), *named])})"


@dataclass(frozen=True)
class Convention:
    """How the arguments of a task reach a constructor.

    Attributes:
        names: the student's parameter for each argument; None: all by position.
        project: the parameter that says whether the shortcut projects, or with which module.
        project_as: what it takes: such a module, a "flag", or a flag that stands for the "stride".
        expansion: by how much the output is wider than the width that the constructor takes.
        also: parameters that are given the value of an argument once more.
        more: further arguments, which the task does not know of.
        defaults: values of the task's arguments where a case leaves them out.
        departures: what of this is not as the task says.
    """

    names: Mapping[str, str] | None = None
    project: str | None = None
    project_as: Projection = "flag"
    expansion: int = 1
    also: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, JsonValue] = field(default_factory=dict)
    defaults: Mapping[str, JsonValue] = field(default_factory=dict)
    departures: tuple[str, ...] = ()

    @property
    def contradicts(self) -> bool:
        """Do the names say that the task's own call gives the wrong values to some parameters?"""
        return not {"any-order", "any-names", "downsample-flag", "block-class", "two-widths"}.isdisjoint(
            self.departures
        )

    def call(self, case: Case) -> Call:
        """The call of one case."""
        left_out = {name: value for name, value in self.defaults.items() if name not in case.arguments}
        given: dict[str, JsonValue] = {**case.arguments, **left_out}
        role_of = {_role(name): name for name in given}
        if self.expansion != 1:
            width = given[role_of["out"]]
            assert isinstance(width, int)
            given[role_of["out"]] = width // self.expansion
        if self.names is None:
            return Call(list(given.values()))
        named: dict[str, JsonValue] = {}
        for name, value in given.items():
            meant = [self.names[name]] if name in self.names else []
            named |= dict.fromkeys([*meant, *(other for other, same in self.also.items() if same == name)], value)
        return Call([], named | self._projection(case) | dict(self.more))

    def _projection(self, case: Case) -> dict[str, JsonValue]:
        if self.project is None:
            return {}
        assert self.names is not None
        arguments = {_role(name): value for name, value in case.arguments.items()}
        channels, width, stride = arguments["in"], arguments["out"], arguments.get("stride", 1)
        differs = stride != 1 or channels != width
        if self.project_as == "module":
            return {self.project: {"projection": [channels, width, stride]} if differs else None}
        if self.project_as == "flag":
            return {self.project: differs}
        # In place of the stride: a case that leaves that out leaves this out too.
        return {self.project: stride != 1} if "stride" in arguments else {}


def as_asked(exercise: ModuleExercise | NetworkExercise) -> Convention:
    """The call that the task names."""
    if isinstance(exercise, ModuleExercise) and exercise.call == "positional":
        return Convention()
    return Convention(names={name: name for name in exercise.cases[0].arguments})


def other_conventions(
    exercise: ModuleExercise | NetworkExercise,
    constructor: Constructor,
    blocks: Sequence[str],
    defaults: Mapping[str, JsonValue],
) -> list[Convention]:
    """Other calls that the names of the parameters suggest, the likeliest first.

    Args:
        blocks: names of classes that may be a network's blocks.
        defaults: values of the arguments that may be left out.
    """
    if isinstance(exercise, ModuleExercise):
        return list(_of_module(exercise, constructor, {"stride": 1, **defaults}))
    return [found for found in _of_network(exercise, constructor, blocks) if found != as_asked(exercise)]


def _of_module(
    exercise: ModuleExercise, constructor: Constructor, defaults: Mapping[str, JsonValue]
) -> Iterator[Convention]:
    wanted = list(exercise.cases[0].arguments)
    parameters = [p for p in constructor.parameters if p.kind in ("either", "named")]
    names = {name: found for name in wanted if (found := _parameter_for(name, parameters)) is not None}
    missing = [_role(name) for name in wanted if name not in names]
    is_block = {"in", "out"} <= {_role(name) for name in names}
    left_out = {name for name in wanted if any(name not in case.arguments for case in exercise.cases)}
    without = [p.name for p in parameters if p.default is None]
    filled = {name: defaults[name] for name in left_out & defaults.keys() if names.get(name) in without}
    if (twins := _two_widths(wanted, names, parameters)) is not None:
        yield replace(twins, defaults=filled)
    takes_no_more = {p.name for p in constructor.parameters} == set(names.values())
    if missing and takes_no_more and left_out >= set(wanted) - names.keys():
        order = _order(exercise, names, constructor, wanted)
        yield Convention(names=names, departures=(*order, ARGUMENT_MISSING))
    if missing and not (is_block and missing == ["stride"]):
        return
    if filled and not set(without) - set(names.values()):
        yield Convention(
            names=names,
            defaults=filled,
            departures=(*_order(exercise, names, constructor, wanted), DEFAULT_MISSING),
        )
    project = next((p for p in parameters if p.name not in names.values() and _role(p.name) == "project"), None)
    ways = _projections(project if is_block else None, has_stride=not missing)
    for way, expansion in product(ways, _expansions(constructor, names, wanted)):
        given = {*names.values(), *([project.name] if project is not None and way is not None else [])}
        if any(p.default is None for p in parameters if p.name not in given):
            continue
        departures = [
            *_order(exercise, names, constructor, wanted),
            *(["downsample-module" if way == "module" else "downsample-flag"] if way is not None else []),
            *(["expansion"] if expansion != 1 else []),
        ]
        if departures:
            yield Convention(
                names=names,
                project=project.name if project is not None and way is not None else None,
                project_as=way or "flag",
                expansion=expansion,
                departures=tuple(departures),
            )


def _two_widths(wanted: list[str], names: Mapping[str, str], parameters: list[Parameter]) -> Convention | None:
    """Of a block that keeps its channels: a constructor that takes the channels in and those out."""
    width = next((name for name in wanted if _plain(name) == "channels"), None)
    twins = [p.name for p in parameters if p.name not in names.values() and _role(p.name) in ("in", "out")]
    if width is None or not twins or any(name not in names for name in wanted if name != width):
        return None
    named = {width: twins[0], **names}
    also = {name: width for name in twins if name != named[width]}
    if any(p.default is None for p in parameters if p.name not in {*named.values(), *also}):
        return None
    return Convention(names=named, also=also, departures=("two-widths",))


def _projections(project: Parameter | None, *, has_stride: bool) -> list[Projection | None]:
    """What the parameter that is about the projection may take; None: it is left out.

    The sort of its default tells; where it has none, what works tells. Without a stride it can only stand for that.
    """
    if not has_stride:
        return ["stride"] if project is not None and project.default in ("false", None) else []
    if project is None:
        return [None]
    by_default: dict[str | None, list[Projection]] = {"false": ["flag"], "none": ["module"], None: ["module", "flag"]}
    return [*by_default.get(project.default, []), None]


def _order(
    exercise: ModuleExercise, names: Mapping[str, str], constructor: Constructor, wanted: list[str]
) -> list[str]:
    """What is not as the task says about the names, or about the order where that counts."""
    if exercise.call == "named":
        return ["any-names"] if any(name != found for name, found in names.items()) else []
    positional = [p.name for p in constructor.parameters if p.kind in ("positional", "either")]
    there = [names[name] for name in wanted if name in names]
    return ["any-order"] if positional[: len(there)] != there else []


def _parameter_for(argument: str, parameters: list[Parameter]) -> str | None:
    """The one parameter that is surely meant by an argument of the task."""
    exact = [p.name for p in parameters if _plain(p.name) == _plain(argument)]
    role = _role(argument)
    like = exact or [p.name for p in parameters if role is not None and _role(p.name) == role]
    if not like and role == "stride":
        # A number in place of a flag is a stride by another name.
        like = [p.name for p in parameters if _role(p.name) == "project" and p.default == "number"]
    return like[0] if len(like) == 1 else None


def _expansions(constructor: Constructor, names: Mapping[str, str], wanted: list[str]) -> list[int]:
    stated = constructor.expansion or 1
    out = next((names[name] for name in wanted if _role(name) == "out" and name in names), None)
    if stated == 1 or out is None:
        return [1]
    return [stated, 1] if _plain(out) in INNER else [1, stated]


def _of_network(exercise: NetworkExercise, constructor: Constructor, blocks: Sequence[str]) -> Iterator[Convention]:
    parameters = [p for p in constructor.parameters if p.kind in ("positional", "either", "named")]
    needed = [p.name for p in parameters if p.default is None]
    block = next((name for name in needed if _plain(name) in ROLES["block"]), None)
    layers = next((name for name in needed if _plain(name) in ROLES["layers"] and name != block), None)
    images = next((name for name in needed if _plain(name) in ROLES["in"] or "channels" in name), None)
    asked = {_plain(name): name for name in exercise.cases[0].arguments if name != exercise.outputs}
    others = {asked[_plain(p.name)]: p.name for p in parameters if _plain(p.name) in asked}
    known = {block, layers, images, *others.values()}
    rest = [p.name for p in parameters if p.name not in known]
    outputs = [name for name in rest if name == exercise.outputs or _plain(name) in ROLES["outputs"]]
    outputs = outputs or [name for name in rest if _plain(name) not in ROLES["block"] | ROLES["layers"] | ROLES["in"]]
    if set(needed) - known - {*outputs[:1]}:
        yield Convention()
        return
    names = {**others, **({exercise.outputs: outputs[0]} if outputs else {})}
    without = () if outputs else (OUTPUTS_MISSING,)
    if block is None and layers is None and images is None:
        yield Convention(names=names, departures=without)
        return
    more: dict[str, JsonValue] = {images: exercise.cases[0].input[0]} if images is not None else {}
    depths: list[dict[str, JsonValue]] = [{layers: [2] * n} for n in (4, 3)] if layers is not None else [{}]
    for name, depth in product(blocks if block is not None else [""], depths):
        built: dict[str, JsonValue] = {block: {"defined": name}} if block is not None else {}
        yield Convention(names=names, more=built | depth | more, departures=("block-class", *without))
    if asked:
        yield Convention()  # `resnet(layers, classes)` for `resnet(depth, num_classes)`


def _role(name: str) -> str | None:
    """What a block's parameter with this name is for."""
    return next((role for role in ("in", "out", "stride", "project") if _plain(name) in ROLES[role]), None)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()


def _written(value: JsonValue) -> str:
    if isinstance(value, dict):
        if "defined" in value:
            return str(value["defined"])
        return "nn.Sequential(nn.Conv2d({}, {}, 1, stride={}, bias=False), nn.BatchNorm2d({}))".format(
            *_numbers(value["projection"])
        )
    return repr(value)


def _numbers(projection: JsonValue) -> list[JsonValue]:
    assert isinstance(projection, list)
    return [*projection, projection[1]]
