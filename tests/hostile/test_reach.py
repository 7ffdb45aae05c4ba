"""Nothing that a submission has no business with can be reached."""

from __future__ import annotations

from attacks import Attack, Range, assert_claim

FAMILY = "reach"


def test_the_claim_holds(shooting_range: Range, attack: Attack) -> None:
    """What the notebook claims in its first cell."""
    assert_claim(shooting_range, attack)
