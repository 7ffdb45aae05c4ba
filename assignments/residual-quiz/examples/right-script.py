"""Answers to the questions on residual learning."""

from typing import Any

answers: dict[str, Any] = {}  # kept to look things up while reading

q_degradation: str = "b"
q_gradients: str = "d"
q_projection: str = "a"
q_sum: str = "c"
q_bound: str = "b"
q_preactivation: str = "d"
q_bottleneck: str = "c"
q_option_a: str = "b"
q_concatenation: str = "a"
q_cardinality: str = "d"
q_identity_init: str = "b"
q_parameter_count = ("a", "c")
(
    q_zero_block,
    q_output_shape,
    q_convolution_parameters,
) = 1 + 1, [1, 128, 16, 16], 9 * 64 * 128
half = 0.5
q_path_length = 54 * half
q_path_count = 0b10000000000
q_shrinking = half**4
