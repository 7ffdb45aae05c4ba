"""How the channels of a dense stage grow (Huang et al. 2017, section 3, "Growth rate")."""

from __future__ import annotations


def channels_after(in_channels: int, growth_rate: int, layers: int) -> int:
    """Each layer adds `growth_rate` channels to what is there: k₀ + k·l."""
    return in_channels + growth_rate * layers


def doubled(in_channels: int, growth_rate: int, layers: int) -> int:
    """Wrong: as in the stages of a residual network."""
    return in_channels * 2**layers


def added_once(in_channels: int, growth_rate: int, layers: int) -> int:
    """Wrong: one layer, whatever is asked for."""
    return in_channels + growth_rate
