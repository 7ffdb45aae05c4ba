"""A proven mistake costs once; what is not proven costs every check that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import judge, residual_blocks

from grader.errors import AssignmentError
from grader.mistakes._mistake import RESBLOCK, changed
from grader.scoring import require_known_mistakes, settle
from grader.verdict import CheckResult, Diagnosis, Proof, Status

SUM = "F.relu(out + identity)"


def result(name: str, status: Status, most: float = 10.0) -> CheckResult:
    return CheckResult(
        id=name, status=status, score=most if status is Status.PASSED else 0.0, max_score=most, message="."
    )


def named(mistake: str, proof: Proof = Proof.REPLAYED) -> Diagnosis:
    return Diagnosis(mistake=mistake, proof=proof, message=".")


RESULTS = [
    result("shape", Status.PASSED),
    result("gradient", Status.FAILED),
    result("skip-connection", Status.FAILED),
]


@pytest.mark.parametrize(
    ("expected", "diagnoses", "weights"),
    [
        ([10, 10, 0], [named("shortcut-multiplied")], {}),  # of the check that it belongs to
        ([10, 0, 10], [named("final-relu-missing")], {}),  # of the first that fails
        ([10, 0, 0], [named("shortcut-multiplied"), named("final-relu-missing")], {}),
        ([10, 10, 6], [named("shortcut-multiplied")], {"shortcut-multiplied": 4}),
        ([10, 5, 0], [named("shortcut-multiplied")], {"shortcut-multiplied": 15}),
        ([10, 0, 0], [named("shortcut-multiplied")], {"shortcut-multiplied": 99}),  # no more than what fails
        ([10, 0, 0], [], {}),  # nothing is proven
        ([10, 0, 0], [named("shortcut-multiplied"), named("input-modified", Proof.MEASURED)], {}),  # another cause
        ([10, 10, 0], [named("shortcut-multiplied"), named("result-discarded", Proof.REPORTED)], {}),
    ],
)
def test_a_proven_mistake_costs_once(
    expected: list[float], diagnoses: list[Diagnosis], weights: dict[str, float]
) -> None:
    """Each takes its price, or the points of one check; what else fails by it keeps its points."""
    assert expected == [result.score for result in settle(RESULTS, diagnoses, weights, decide=True)]


@pytest.mark.parametrize(
    ("expected", "failed", "measured"),
    [
        ([0, 10], ["shape", "parameters"], ["outputs-ignored"]),  # the second fails by the same
        ([10, 0], ["parameters"], ["outputs-ignored"]),  # its own check has not failed: it may be something else
        ([0, 0], ["shape", "parameters"], ["outputs-ignored", "other-depth"]),  # the second has a cause of its own
        ([0, 0], ["shape", "parameters"], ["input-modified"]),
    ],
)
def test_what_was_measured_costs_in_its_own_check(
    expected: list[float], failed: list[str], measured: list[str]
) -> None:
    """Checks that fail by the same keep their points, and have failed."""
    results = [result(name, Status.FAILED if name in failed else Status.PASSED) for name in ("shape", "parameters")]
    diagnoses = [named(mistake, Proof.MEASURED) for mistake in measured]
    found = settle(results, diagnoses, {}, decide=False)
    assert expected == [each.score for each in found]
    assert [each.status for each in results] == [each.status for each in found]
    # Beside a mistake that is proven the second check may fail by that.
    beside = settle(results, [*diagnoses, named("bn-missing")], {}, decide=False)
    assert [0 if name in failed else 10 for name in ("shape", "parameters")] == [each.score for each in beside]


def test_another_call_costs_its_own_check_beside_what_is_proven() -> None:
    """For all else the module was called as it wants to be: there the replay tells everything."""
    call = [
        named("constructor-rejects-arguments", Proof.MEASURED),
        named("constructor-rejects-arguments", Proof.MEASURED),
    ]
    results = [result("shape", Status.FAILED), *RESULTS[1:]]
    found = settle(results, [named("shortcut-multiplied"), *call], {}, decide=True)
    assert [0, 10, 0] == [each.score for each in found]
    found = settle(
        results, [named("shortcut-multiplied"), *call, named("input-modified", Proof.MEASURED)], {}, decide=True
    )
    assert [0, 0, 0] == [each.score for each in found]


SKIPPED = result("gradient", Status.SKIPPED)


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        (result("parameters", Status.FAILED), [(Status.FAILED, 0), (Status.FAILED, 10)]),
        (result("parameters", Status.PASSED), [(Status.PASSED, 10), (Status.FAILED, 0)]),  # it is a mistake
        (result("skip-connection", Status.SKIPPED), [(Status.FAILED, 0), (Status.FAILED, 10)]),
        (result("parameters", Status.SKIPPED), [(Status.SKIPPED, 0), (Status.FAILED, 0)]),
        (result("shape", Status.GRADER_BROKE), [(Status.GRADER_BROKE, 0), (Status.FAILED, 0)]),
    ],
)
def test_what_could_not_be_compared_was_in_the_replay(
    beside: CheckResult, expected: list[tuple[Status, float]]
) -> None:
    """The reference with the mistake is just the same: outputs and gradients differ by it, and by nothing else."""
    found = settle([beside, SKIPPED], [named("bn-missing")], {}, decide=True)
    assert expected == [(each.status, each.score) for each in found]


@pytest.mark.parametrize("diagnoses", [[], [named("bn-missing"), named("input-modified", Proof.MEASURED)]])
def test_points_that_nobody_decided_stay_pending(diagnoses: list[Diagnosis]) -> None:
    """Without a proof for all of it, a skipped check is neither won nor lost; nor by what one block does."""
    results = [result("parameters", Status.FAILED), SKIPPED]
    assert results == settle(results, diagnoses, {}, decide=True)
    assert Status.SKIPPED is settle(results, [named("bn-missing")], {}, decide=False)[1].status


def test_a_norm_that_is_missing_leaves_nothing_pending() -> None:
    """Other parameters than the reference's are no reason to wait for a human, once the cause is proven."""
    report = judge(changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.conv2(out)")), "resblock")
    left_out = judge(
        changed(
            RESBLOCK,
            ("self.bn2(self.conv2(out))", "self.conv2(out)"),
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", ""),
        ),
        "resblock",
    )
    for each in (report, left_out):
        assert (False, 30, 0) == (each.correct, each.score, each.pending)
        assert ["bn-missing"] == [diagnosis.mistake for diagnosis in each.diagnoses]


def test_a_norm_that_every_projection_lacks_leaves_nothing_pending() -> None:
    """Where each shortcut has weights, none of them can be looked at alone; the replay has looked at all."""
    always = changed(
        RESBLOCK, ("ResBlock", "ProjectedBlock"), ("if stride != 1 or in_channels != out_channels:", "if True:")
    )
    assert judge(always, "projected").correct
    report = judge(changed(always, ("                nn.BatchNorm2d(out_channels),\n", "")), "projected")
    assert ["projection-without-bn"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    paid = [check.max_score for check in report.checks if not check.score]
    assert (0, 1) == (report.pending, len(paid))


def test_a_multiplied_shortcut_loses_the_skip_connection_and_no_more() -> None:
    """It also makes the gradient check fail, which costs nothing again."""
    report = judge(changed(RESBLOCK, (SUM, "F.relu(out * identity)")), "resblock")
    assert not report.correct
    assert 30 == report.score
    gradient = next(check for check in report.checks if check.id == "gradient")
    assert Status.FAILED is gradient.status
    assert (10, []) == (gradient.score, gradient.notes)


def test_a_price_for_an_unknown_mistake_is_refused() -> None:
    """The message says what may have been meant."""
    assignment = residual_blocks()
    exercise = assignment.code_exercises[0].model_copy(update={"mistakes": {"shortcut-multiplyed": 3.0}})
    broken = assignment.model_copy(update={"exercises": [exercise], "folder": Path("here")})
    with pytest.raises(AssignmentError, match="shortcut-multiplied"):
        require_known_mistakes(broken)
