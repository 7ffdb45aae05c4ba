"""An assignment is data: `assignment.toml`, read into these models. Unknown keys are refused.

assignments/residual-blocks/assignment.toml
    id, title, [limits], [hints], [release], and a list of [[exercise]], each of one kind:
        module    a class, compared with a reference class over declared cases
        network   a function or class that builds a network out of such modules
        function  a function, compared with a reference function on drawn arguments
        experiment  a function, run again and again: a claim about the numbers that are measured of what it returns
        essay     a written answer, collected for a human to mark; with concepts, points are proposed
        choice    a question with options, of which one is right, or several
        predict   a question whose answer is a number, or a shape
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from grader.bundled import shipped_assignments as shipped_assignments  # part of this module's face, too
from grader.bundled import shipped_folder as shipped_folder
from grader.errors import AssignmentError, UsageError
from grader.essay import Pattern, PatternError, parse


def _plain(value: object) -> object:
    """Said once here; the union below would complain once for each of its members."""
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"expected true, false, a number or a text, found {value!r}")
    return value


def _listed(value: object) -> object:
    """One choice may be written without brackets."""
    return [value] if isinstance(value, str) else value


def _moment(value: object) -> object:
    """With a time zone: a moment without one is another in every place."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"expected a date and time with a time zone, as 2026-12-01T12:00:00+01:00, found {value}")
    return value


def _value(value: object) -> object:
    """A number, or a shape: said once here, as above."""
    if isinstance(value, list) and value and all(type(each) is int and each >= 0 for each in value):
        return value
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise ValueError(f"expected a number, or a shape such as [1, 64, 32, 32], found {value!r}")


def _three_hints(value: object) -> object:
    """Three, of which none is empty: said once here, and in the words of what each is for."""
    hints = value if isinstance(value, list) and all(isinstance(each, str) for each in value) else []
    if len(hints) != 3 or not all(hint.strip() for hint in hints):
        found = f"{len(hints)} texts" if hints else repr(value)
        raise ValueError(
            "expected three hints: the idea behind the mistake, where to look, what to change; "
            + ("found one that is empty" if len(hints) == 3 else f"found {found}")
        )
    return hints


Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]


def _when(value: object) -> object:
    """One word for all checks, or a table of them: said once here, as above."""
    known = get_args(Visibility)
    words = list(value.values()) if isinstance(value, dict) else [value]
    wrong = [word for word in words if word not in known]
    if wrong:
        raise ValueError(f"expected one of {', '.join(known)}, or a table with one for each check, found {wrong[0]!r}")
    return value


Argument = Annotated[bool | int | float | str, BeforeValidator(_plain)]
Value = Annotated[int | float | list[int], BeforeValidator(_value)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
PythonName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ShortcutOption = Literal["A", "B", "C"]  # of the paper: zero padding; projection where shapes differ; always
# How a constructor may depart from what the task says, and still be called.
BlockDeparture = Literal["any-order", "any-names", "downsample-flag", "downsample-module", "expansion"]
NetworkDeparture = Literal["block-class"]
ReferenceName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$")]


UNTOLD = "withheld"  # stands in a withheld exercise for what it does not tell
ROUNDING = 1e-9  # what a float may be off for no better reason than being one


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Spec):
    """What one submission may use. The command line overrides these."""

    seconds: float = Field(60.0, gt=0, description="wall time of one submission")
    cell_seconds: float = Field(20.0, gt=0, description="wall time of one notebook cell")
    memory_mib: int = Field(2048, ge=256, description="resident memory of one submission")
    disk_mib: int = Field(128, ge=1, description="files that one submission may write")
    output_kib: int = Field(64, ge=0, description="what it may print; the rest is read and forgotten")
    processes: int = Field(64, ge=8, description="processes and threads at the same time")


class Hints(_Spec):
    """When students see the last hint of each finding, the one that says what to change."""

    last_from: Annotated[AwareDatetime, BeforeValidator(_moment)] | None = None

    def show_last(self, now: datetime) -> bool:
        """Is the last hint shown at this moment?"""
        return self.last_from is None or now >= self.last_from


class Case(_Spec):
    """One way to construct the module, and the size of what goes in: channels, height, width."""

    title: str = Field(description="what the pages call it")
    arguments: dict[str, Argument] = Field(default_factory=dict, description="of the constructor, by their names")
    input: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1, max_length=4, description="shape of what goes in, without the batch"
    )
    confirm: bool = Field(False, description="real size: asked once, with few probes, after the small cases")
    outputs: list[tuple[list[int], list[int]]] = Field(
        default_factory=list,
        description="in a student's copy: shapes of inputs, batch included, and of what the reference gives for them",
    )

    def told_output(self, shape: Sequence[int]) -> list[int] | None:
        """The shape that the output for an input of this shape must have, where a student's copy tells it."""
        return next((output for given, output in self.outputs if given == list(shape)), None)


class _Exercise(_Spec):
    id: Identifier = Field(description="stable, small letters, digits and hyphens: scores are kept by it")
    title: str = Field(description="what the pages call it")
    task: str = Field("", description="one sentence that the feedback page shows; for a question the question")
    visibility: Annotated[Visibility | dict[str, Visibility], BeforeValidator(_when)] = Field(
        "visible", description="when students see the results on a platform that can hold them back; or by check"
    )
    grade_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]*$")] = Field(
        "", description="nbgrader's id of the cell that holds the answer, where it is not the exercise's own"
    )
    withheld: bool = Field(
        False, description="what is right is not told here, and left to the marking: so it is in a student's copy"
    )

    # What is required, and need not be told. Nothing may ask for it where it is not.
    _untold: ClassVar[dict[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _needs_no_answer(cls, given: Any) -> Any:
        return {**cls._untold, **given} if isinstance(given, dict) and given.get("withheld") is True else given

    @property
    def max_score(self) -> float:
        raise NotImplementedError

    @property
    def check_ids(self) -> list[str]:
        """The checks that its report lists."""
        return ["answer"]

    @property
    def grade_ids(self) -> set[str]:
        """What nbgrader may call the cell that holds the answer."""
        return {self.grade_id or self.id}

    def visibility_of(self, check: str) -> Visibility:
        """When students see the result of one check, on a platform that can hold it back."""
        return self.visibility.get(check, "visible") if isinstance(self.visibility, dict) else self.visibility

    @model_validator(mode="after")
    def _visibility_names_checks(self) -> Self:
        for name in self.visibility if isinstance(self.visibility, dict) else ():
            if name not in self.check_ids:
                raise ValueError(
                    f"visibility: no points are given for a check {name!r}; expected one of {', '.join(self.check_ids)}"
                )
        return self


class _CodeExercise(_Exercise):
    name: PythonName = Field(description="the name that students define")
    aliases: list[PythonName] = Field(default_factory=list, description="further names that are taken for it")
    points: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        description="of each check, by its id"
    )
    cases: list[Case] = Field(alias="case", min_length=1, description="the sizes in which it is compared")
    mistakes: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="what a proven mistake costs, by its id; else the points of one check"
    )

    @property
    def max_score(self) -> float:
        return sum(self.points.values())

    @property
    def check_ids(self) -> list[str]:
        return [str(name) for name in self.points]

    @property
    def tells_no_case(self) -> bool:
        """Is there nothing to call it with?"""
        return self.withheld and self.cases[0].title == UNTOLD


class ModuleExercise(_CodeExercise):
    """A class, compared with a reference class."""

    _untold: ClassVar[dict[str, Any]] = {
        "reference": f"{UNTOLD}:{UNTOLD}",
        "case": [{"title": UNTOLD, "input": [1]}],
    }

    kind: Literal["module"]
    call: Literal["positional", "named"] = Field(
        "positional", description="are arguments given by position, in the order of the cases, or by name?"
    )
    accept: list[BlockDeparture] = Field(default_factory=list, description="constructors that are right as well")
    reference: ReferenceName = Field(description="file:Class, in the assignment's folder or in reference/")
    conv_bias: Literal["free", "forbidden"] = Field(
        "free", description="may a convolution that is followed by a batch norm keep its (redundant) bias?"
    )
    stride_position: Literal["reference", "free"] = Field(
        "reference",
        description="may the stride sit on any convolution of the branch up to the last that is larger than 1×1?",
    )
    shortcut_option: Annotated[list[ShortcutOption], Field(min_length=1), BeforeValidator(_listed)] | None = Field(
        None, description="which of the paper's shortcuts are right, one or several; None: the reference's own"
    )
    activation_after_add: Literal["reference", "free"] = Field(
        "reference", description="may the activation after the addition be there or not, whatever the reference does?"
    )
    variants: list[dict[str, Argument]] = Field(
        default_factory=list,
        description="further keyword arguments of the reference, each giving another right answer",
    )


class NetworkExercise(_CodeExercise):
    """Something that builds a network: free in its make, held to what the task fixes."""

    kind: Literal["network"]
    accept: list[NetworkDeparture] = Field(default_factory=list, description="constructors that are right as well")
    outputs: str = Field(description="the argument that gives the number of output features")
    min_blocks: int = Field(2, ge=1, description="residual blocks there must be at least")
    reference: ReferenceName | None = Field(
        None, description="file:function that builds a network with the stages that are asked for; None: any stages do"
    )
    exact_parameters: bool = Field(
        False, description="must there be as many parameters as in the reference network, in every case?"
    )
    blocks: Literal["as-exercises", "free"] = Field(
        "as-exercises", description="must the blocks be as the module exercises ask for, or may they be of any kind?"
    )


class Drawn(_Spec):
    """An argument that is drawn afresh: numbers of a normal distribution, or whole numbers between two bounds."""

    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=8)
    mean: float = 0.0
    spread: float = Field(1.0, gt=0)
    low: int | None = Field(None, description="with `high`: whole numbers from low up to, not including, high")
    high: int | None = None
    given_as: Literal["tensor", "array", "list", "number"] = Field("tensor", alias="as")

    @model_validator(mode="after")
    def _bounds_are_two(self) -> Drawn:
        if (self.low is None) != (self.high is None) or (
            self.low is not None and self.high is not None and self.low >= self.high
        ):
            raise ValueError("expected low and high together, low below high")
        if self.given_as == "number" and self.shape:
            raise ValueError('expected shape = [] for as = "number"')
        return self


Plain = Argument | list[Any]


class FunctionCase(_Spec):
    """One way to call a function: arguments by position, each plain or drawn."""

    title: str
    arguments: dict[str, Drawn | Plain] = Field(default_factory=dict)


class KnownFault(_Spec):
    """A wrong function that students write: who behaves like it is told so, and what is to be learnt from it."""

    id: Identifier = Field(description="stable, small letters, digits and hyphens: what the mistake is called")
    reference: ReferenceName = Field(description="file:function, the wrong function")
    message: str = Field(min_length=1, description="what is wrong, for whoever's function behaves like it")
    why: str = Field(min_length=1, description="why it matters, in two sentences")
    hints: Annotated[tuple[str, str, str], BeforeValidator(_three_hints)] = Field(
        description="the idea behind it, where to look, what to change; the last one may be held back"
    )


class FunctionExercise(_Exercise):
    """A function, compared with a reference function by what it returns."""

    _untold: ClassVar[dict[str, Any]] = {"reference": f"{UNTOLD}:{UNTOLD}", "case": [{"title": UNTOLD}]}

    kind: Literal["function"]
    name: PythonName
    aliases: list[PythonName] = Field(default_factory=list)
    reference: ReferenceName = Field(description="file:function, in the assignment's folder or in reference/")
    points: dict[Literal["values", "gradient"], Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    tolerance: float = Field(1e-6, gt=0, description="how far a number may be off, relative to the largest expected")
    cases: list[FunctionCase] = Field(alias="case", min_length=1)
    faults: list[KnownFault] = Field(default_factory=list, alias="fault")

    @property
    def max_score(self) -> float:
        return sum(self.points.values())

    @property
    def check_ids(self) -> list[str]:
        return [str(name) for name in self.points]


class Series(_Spec):
    """One way to run an experiment: the plain arguments in which it differs from the others."""

    id: Identifier
    arguments: dict[str, Plain] = Field(default_factory=dict)


class Claim(_Spec):
    """What one series measures is larger, or smaller, than what another does, by more than a margin."""

    id: Identifier
    title: str
    left: Identifier
    relation: Literal[">", "<"] = ">"
    right: Identifier
    measure: Identifier | None = Field(None, description="which measure; None: the first")
    margin: float = Field(0.0, ge=0, allow_inf_nan=False)
    confidence: float = Field(0.95, gt=0.5, lt=1, description="one minus how often chance alone may pass")


class Bound(_Spec):
    """The median of what one series measures lies within bounds."""

    id: Identifier
    title: str
    series: Identifier
    measure: Identifier | None = Field(None, description="which measure; None: the first")
    at_least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    at_most: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.at_least is None and self.at_most is None:
            raise ValueError("expected at_least or at_most, or both")
        return self


class ExperimentExercise(_Exercise):
    """A function that is run with fresh data and a seed, round by round; claims about what is measured of its results.

    The numbers are measured on the trusted side, of what the function returns and of targets that it is not told.
    """

    _untold: ClassVar[dict[str, Any]] = {
        "data": f"{UNTOLD}:{UNTOLD}",
        "measures": {UNTOLD: f"{UNTOLD}:{UNTOLD}"},
        "rounds": 1,
        "shape": [],
        "series": [{"id": UNTOLD}],
    }

    kind: Literal["experiment"]
    name: PythonName
    aliases: list[PythonName] = Field(default_factory=list)
    rounds: int = Field(ge=1, le=100, description="fresh data and another seed in each; every series is run in each")
    data: ReferenceName = Field(description="file:function; data(seed) returns a dict of arguments, and the targets")
    measures: dict[Identifier, ReferenceName] = Field(
        min_length=1, description="file:function for each; measure(returned, targets) returns a number"
    )
    shape: list[Annotated[int, Field(ge=1)]] = Field(max_length=8, description="of what the function returns")
    points: dict[Identifier, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    series: list[Series] = Field(min_length=1)
    claims: list[Claim] = Field(alias="claim", default_factory=list)
    bounds: list[Bound] = Field(alias="bound", default_factory=list)

    @property
    def max_score(self) -> float:
        return sum(self.points.values())

    @property
    def check_ids(self) -> list[str]:
        return [str(name) for name in self.points]

    @property
    def judged(self) -> dict[str, Claim | Bound]:
        """Claims and bounds, by id."""
        claims: list[Claim | Bound] = [*self.claims]
        return {each.id: each for each in [*claims, *self.bounds]}

    def measured(self, of: Claim | Bound) -> str:
        """The measure that a claim or bound is about."""
        return of.measure or next(iter(self.measures))

    @model_validator(mode="after")
    def _series_and_claims_fit(self) -> ExperimentExercise:
        if self.withheld:
            return self  # its claims are not told
        known = [each.id for each in self.series]
        judged = [*(claim.id for claim in self.claims), *(bound.id for bound in self.bounds)]
        for what, ids in (("series", known), ("claims and bounds", judged)):
            if len(set(ids)) != len(ids):
                raise ValueError(f"ids of {what} must differ, found {', '.join(ids)}")
        if sorted(self.points) != sorted(judged):
            found = f"expected those of {', '.join(judged) or 'a claim or a bound'}, found {', '.join(self.points)}"
            raise ValueError(f"points: every claim and every bound has its points: {found}")
        for each in self.judged.values():
            for name in [each.series] if isinstance(each, Bound) else [each.left, each.right]:
                if name not in known:
                    raise ValueError(f"{each.id}: there is no series {name!r}; expected one of {', '.join(known)}")
            if self.measured(each) not in self.measures:
                raise ValueError(
                    f"{each.id}: there is no measure {each.measure!r}; expected one of {', '.join(self.measures)}"
                )
        for claim in self.claims:
            # Where it holds in every round, chance alone would have done that so often.
            if 0.5**self.rounds > 1 - claim.confidence:
                needed = math.ceil(-math.log2(1 - claim.confidence))
                raise ValueError(
                    f"{claim.id}: {self.rounds} rounds cannot give a confidence of {claim.confidence:g}; "
                    f"expected {needed} rounds or more"
                )
        return self


class Concept(_Spec):
    """Something that a right answer says."""

    id: Identifier
    title: str
    points: float = Field(gt=0, allow_inf_nan=False)
    says: list[str] = Field(min_length=1, description="the ways to say it: see grader/essay/pattern.py")


class Misconception(_Spec):
    """Something wrong, or not the whole truth, that students say. It costs nothing and gets its reply."""

    id: Identifier
    says: list[str] = Field(min_length=1, description="the ways to say it")
    reply: str = Field(min_length=1, description="what the student is told, word for word")
    contradicts: list[Identifier] = Field(
        default_factory=list, description="concepts that are left to a human where this is said"
    )


class _AnsweredExercise(_Exercise):
    """Answered in words or with a value, not with code."""

    max_points: float = Field(alias="points", ge=0, allow_inf_nan=False)
    headings: list[str] = Field(
        default_factory=list,
        description="the answer stands below a heading that contains one of these (in any case)",
    )

    @property
    def max_score(self) -> float:
        return self.max_points


class EssayExercise(_AnsweredExercise):
    """A written answer. It is collected and shown; a human marks it, until then its points are pending.

    Where there are concepts, points are proposed for those that were surely read; all others stay pending.
    """

    kind: Literal["essay"]
    words: dict[Identifier, str] = Field(
        default_factory=dict, description="lists of words, separated by |, that patterns use as {name}"
    )
    concepts: list[Concept] = Field(alias="concept", default_factory=list)
    misconceptions: list[Misconception] = Field(alias="misconception", default_factory=list)

    @property
    def check_ids(self) -> list[str]:
        return [concept.id for concept in self.concepts] or ["answer"]

    @cached_property
    def patterns(self) -> dict[str, list[Pattern]]:
        """The ways to say each concept and misconception, by its id."""
        return {each.id: [parse(way, self.words) for way in each.says] for each in self._said}

    @property
    def _said(self) -> list[Concept | Misconception]:
        return [*self.concepts, *self.misconceptions]

    @model_validator(mode="after")
    def _rubric_fits(self) -> EssayExercise:
        ids = [each.id for each in self._said]
        if len(set(ids)) != len(ids):
            raise ValueError(f"ids of concepts and misconceptions must differ, found {', '.join(ids)}")
        total = sum(concept.points for concept in self.concepts)
        if self.concepts and not math.isclose(total, self.max_points):
            raise ValueError(f"the points of the concepts make {total:g}; expected the exercise's {self.max_points:g}")
        known = [concept.id for concept in self.concepts]
        for misconception in self.misconceptions:
            for name in misconception.contradicts:
                if name not in known:
                    raise ValueError(
                        f"misconception {misconception.id}: contradicts: there is no concept {name!r}; "
                        f"expected one of {', '.join(known) or 'none'}"
                    )
        for each in self._said:
            for way in each.says:
                try:
                    parse(way, self.words)
                except PatternError as error:
                    raise ValueError(f"{each.id}: says: {error}") from None
        return self


class Option(_Spec):
    """One option of a multiple choice."""

    id: Identifier
    text: str = Field(min_length=1)
    right: bool = False
    explanation: str = Field("", description="why it is wrong, for whoever chose it; what is right about a right one")


class ChoiceExercise(_AnsweredExercise):
    """Multiple choice: the id of an option, bound to a name or written below a heading."""

    kind: Literal["choice"]
    task: str = Field(min_length=1, description="the question")
    name: PythonName
    several: bool = Field(False, description="must all that are right be chosen, or is one the answer?")
    options: list[Option] = Field(alias="option", min_length=2)

    @model_validator(mode="after")
    def _options_are_clear(self) -> ChoiceExercise:
        for what in ("id", "text"):
            said = [getattr(option, what).casefold() for option in self.options]
            twice = sorted({each for each in said if said.count(each) > 1})
            if twice:
                raise ValueError(f"every option needs its own {what}, found twice: {', '.join(twice)}")
        if self.withheld:
            return self  # which are right is not told
        if not any(option.right for option in self.options):
            raise ValueError("one option at least must be right: give it `right = true`")
        silent = [option.id for option in self.options if not option.right and not option.explanation.strip()]
        if silent:
            raise ValueError(f"every wrong option needs an explanation of its own, missing for: {', '.join(silent)}")
        return self


class WrongValue(_Spec):
    """A value that students give for a reason, and what is wrong with that reason."""

    value: Value
    explanation: str = Field(min_length=1)


class PredictExercise(_AnsweredExercise):
    """A number or a shape, bound to a name or written below a heading."""

    _untold: ClassVar[dict[str, Any]] = {"value": 0}

    kind: Literal["predict"]
    task: str = Field(min_length=1, description="the question")
    name: PythonName
    value: Value
    tolerance: float = Field(0.0, ge=0, allow_inf_nan=False, description="how far a right number may be off")
    relative: float = Field(0.0, ge=0, lt=1, description="the same, as a part of the value: 0.01 is one percent")
    explanation: str = Field("", description="what whoever is right reads")
    wrong: list[WrongValue] = Field(default_factory=list)

    def means(self, value: float | list[int], given: float | list[int]) -> bool:
        """Is this value given, as exactly as this exercise asks for it?"""
        if isinstance(value, list) or isinstance(given, list):
            return value == given
        if isinstance(value, int) and isinstance(given, int) and not self.tolerance and not self.relative:
            return value == given
        # The last digits of a float are nobody's mistake.
        return abs(given - value) <= max(self.tolerance, self.relative * abs(value)) + ROUNDING * abs(value)

    @model_validator(mode="after")
    def _values_differ(self) -> PredictExercise:
        known = [self.value]
        for wrong in self.wrong:
            if isinstance(wrong.value, list) != isinstance(self.value, list):
                raise ValueError(f"wrong: {wrong.value} is a number where the value is a shape, or the other way round")
            if any(self.means(each, wrong.value) or self.means(wrong.value, each) for each in known):
                raise ValueError(f"wrong: {wrong.value} cannot be told from the value or from another wrong one")
            known.append(wrong.value)
        return self


CodeExercise = ModuleExercise | NetworkExercise
CalledExercise = CodeExercise | FunctionExercise | ExperimentExercise
QuizExercise = ChoiceExercise | PredictExercise
Exercise = Annotated[
    ModuleExercise
    | NetworkExercise
    | FunctionExercise
    | ExperimentExercise
    | EssayExercise
    | ChoiceExercise
    | PredictExercise,
    Field(discriminator="kind"),
]


class Release(_Spec):
    """What `grader release` gives to students."""

    reference: Literal["public", "secret"] = Field(
        "secret", description="may students have the references, and check themselves against them?"
    )
    shapes: bool = Field(True, description="of secret references: may students know the shapes of their outputs?")
    files: list[str] = Field(default_factory=list, description="further files of the folder that students need")


class Assignment(_Spec):
    """The declarative spec of one homework."""

    id: Identifier = Field(description="stable, small letters, digits and hyphens: notebooks name it")
    title: str = Field(description="what the pages call it")
    limits: Limits = Field(default_factory=Limits, description="what one submission may use")
    hints: Hints = Field(default_factory=Hints, description="when students see the last hint of each finding")
    release: Release = Field(default_factory=Release, description="what `grader release` gives to students")
    exercises: list[Exercise] = Field(alias="exercise", min_length=1, description="what is asked, in this order")
    guess: bool = Field(True, description="may it be chosen by what notebooks define, where they name no assignment?")

    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Assignment:
        ids = [exercise.id for exercise in self.exercises]
        if len(set(ids)) != len(ids):
            raise ValueError(f"exercise ids must differ, found {', '.join(ids)}")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Assignment:
        """What a student defines answers one exercise, never two."""
        owners: dict[str, str] = {}
        for exercise in [*self.called_exercises, *self.quiz_exercises]:
            for name in names_of(exercise):
                if owners.setdefault(name, exercise.id) != exercise.id:
                    raise ValueError(f"the name {name!r} belongs to both {owners[name]} and {exercise.id}")
        return self

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for exercise in self.exercises)

    @property
    def code_exercises(self) -> list[CodeExercise]:
        return [exercise for exercise in self.exercises if isinstance(exercise, CodeExercise)]

    @property
    def called_exercises(self) -> list[CalledExercise]:
        """Those that need the student's code to run."""
        return [exercise for exercise in self.exercises if isinstance(exercise, CalledExercise)]

    @property
    def quiz_exercises(self) -> list[QuizExercise]:
        return [exercise for exercise in self.exercises if isinstance(exercise, QuizExercise)]

    @property
    def names(self) -> list[str]:
        """What a submission is expected to define."""
        return [exercise.name for exercise in self.exercises if not isinstance(exercise, EssayExercise)]


def names_of(exercise: CalledExercise | QuizExercise) -> list[str]:
    """Every name under which a submission may define it."""
    return [exercise.name, *(exercise.aliases if isinstance(exercise, CalledExercise) else [])]


def find_assignment(id_or_folder: str) -> Assignment:
    """The assignment with this id, or in this folder.

    Raises:
        UsageError: there is none; the message lists the choices.
        AssignmentError: its file is wrong.
    """
    # An id first: a folder of that name may have come with what is graded, and its reference is code. It is ./ID.
    shipped = shipped_assignments()
    if id_or_folder in shipped:
        return load_assignment(shipped[id_or_folder])
    folder = Path(id_or_folder)
    if (folder / "assignment.toml").is_file():
        return load_assignment(folder)
    raise UsageError(
        f"there is no assignment {id_or_folder!r}: it is neither a folder with an assignment.toml nor one of "
        f"the shipped ones ({', '.join(shipped) or 'none'})"
    )


def load_assignment(folder: Path) -> Assignment:
    """Read `folder/assignment.toml`.

    Raises:
        AssignmentError: the file is missing, is no TOML, or does not follow the spec. Names file, key and
            what was expected there, one line per mistake.
    """
    path = folder / "assignment.toml"
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise AssignmentError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssignmentError(f"{path}: is not valid TOML: {error}") from error
    if "folder" in content:
        raise AssignmentError(f"{path}: folder: unknown key; remove it or check its spelling")
    try:
        assignment = Assignment.model_validate({**content, "folder": folder})
    except ValidationError as error:
        raise AssignmentError("\n".join(_explain(path, content, error))) from None
    for exercise in assignment.code_exercises:
        _check_cases(path, exercise)
    return assignment


def _check_cases(path: Path, exercise: ModuleExercise | NetworkExercise) -> None:
    """Every case of a module names the same arguments, since they are given by position; it may leave out the last."""
    first = list(exercise.cases[0].arguments)
    wanted = f"expected {', '.join(first)} in this order" if first else "expected none"
    for case in exercise.cases:
        if isinstance(exercise, ModuleExercise) and list(case.arguments) != first[: len(case.arguments)]:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: case {case.title!r}: arguments: {wanted}, "
                f"as in the first case, found {', '.join(case.arguments) or 'none'}"
            )
        if isinstance(exercise, NetworkExercise) and exercise.exact_parameters and exercise.reference is None:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: exact_parameters: expected a reference, whose parameters are counted"
            )
        if isinstance(exercise, NetworkExercise) and exercise.outputs not in case.arguments:
            raise AssignmentError(
                f"{path}: exercise {exercise.id}: case {case.title!r}: arguments: expected the argument "
                f"{exercise.outputs!r}, which `outputs` names"
            )


def _explain(path: Path, content: dict[str, object], error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        where = _place(content, problem["loc"])
        if problem["type"] == "extra_forbidden":
            what = "unknown key; remove it or check its spelling"
        elif problem["type"] == "missing":
            what = "missing; this key is required"
        elif problem["type"] == "union_tag_invalid":
            what = f"expected one of {problem['ctx']['expected_tags']}, found {problem['ctx']['tag']!r}"
            where += ".kind"
        elif problem["type"] == "union_tag_not_found":
            kinds = "'module', 'network', 'function', 'experiment', 'essay', 'choice', 'predict'"
            what = f"missing; expected one of {kinds}"
            where += ".kind"
        elif problem["type"] == "value_error":
            what = str(problem["ctx"]["error"])
        else:
            what = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}, found {problem['input']!r}"
        lines.append(f"{path}: {where or 'file'}: {what}")
    return lines


def _place(content: object, location: tuple[int | str, ...]) -> str:
    """`exercise[0].case[2].input` as `exercise 'resblock': case[2].input`: by id where there is one."""
    parts: list[str] = []
    here = content
    for step in location:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
            name = here.get("id") if isinstance(here, dict) else None
            parts[-1] += f"[{name or step}]"
        elif isinstance(here, dict) and step in here:
            here = here[str(step)]
            parts.append(str(step))
        elif isinstance(here, dict) and here.get("kind") == step:
            continue  # pydantic names the kind of a union between the index and the key
        else:
            here = None
            parts.append(str(step))
    return ".".join(parts)
