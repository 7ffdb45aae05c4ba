"""Exercises of the kind `experiment`: what is run, and what is claimed of the numbers."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from grader.assignment.exercise import ScoredByCheck
from grader.assignment.spec import UNTOLD, Identifier, Plain, Points, PythonName, ReferenceName, Spec


class Network(Spec):
    """A network of the student's own: what an exercise of the kind `module` asks for, built with these arguments."""

    exercise: Identifier
    arguments: dict[str, Plain] = Field(default_factory=dict, description="by position")


class Series(Spec):
    """One way to run an experiment: the plain arguments in which it differs from the others."""

    id: Identifier
    arguments: dict[str, Plain] = Field(default_factory=dict)
    network: Network | None = Field(None, description="whose parameters are trained: all of them, and no others")


class Training(Spec):
    """The budget that every call trains with."""

    optimiser: str = Field(description="the name of a class of torch.optim, or of a base of its")
    steps: int = Field(ge=1, description="of every parameter that is trained")
    settings: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default_factory=dict, description="of the optimiser, such as lr"
    )
    loss: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")] = Field(
        "", description="a function of torch.nn.functional; left out: it is not looked at what is made smaller"
    )
    input: str = Field("", description="the argument on all of which the network is trained")
    target: str = Field("", description="the argument that it is to give")

    @model_validator(mode="after")
    def _loss_is_there(self) -> Training:
        if bool(self.loss) != bool(self.input and self.target):
            raise ValueError("expected loss, input and target, or none of them")
        return self


class Claim(Spec):
    """What one series measures is larger, or smaller, than what another does, by more than a margin."""

    id: Identifier
    title: str
    left: Identifier
    relation: Literal[">", "<"] = ">"
    right: Identifier
    measure: Identifier | None = Field(None, description="which measure; None: the first")
    margin: float = Field(0.0, ge=0, allow_inf_nan=False)
    confidence: float = Field(0.95, gt=0.5, lt=1, description="one minus how often chance alone may pass")


class Bound(Spec):
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


class ExperimentExercise(ScoredByCheck):
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
    whole: bool = Field(False, description="are these whole numbers, as classes are?")
    points: dict[Identifier, Points]
    series: list[Series] = Field(min_length=1)
    training: Training | None = Field(None, description="the budget of every call; None: whatever the student takes")
    claims: list[Claim] = Field(alias="claim", default_factory=list)
    bounds: list[Bound] = Field(alias="bound", default_factory=list)

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
        for series in self.series:
            if series.network is not None and self.training is None:
                raise ValueError(f"{series.id}: network: what is trained is looked at only where there is a [training]")
        for claim in self.claims:
            # Where it holds in every round, chance alone would have done that so often.
            if 0.5**self.rounds > 1 - claim.confidence:
                needed = math.ceil(-math.log2(1 - claim.confidence))
                raise ValueError(
                    f"{claim.id}: {self.rounds} rounds cannot give a confidence of {claim.confidence:g}; "
                    f"expected {needed} rounds or more"
                )
        return self
