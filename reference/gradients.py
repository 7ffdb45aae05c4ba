"""How gradients pass a block.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks" (2016), section 2, equation (5).

For H(x) = F(x) + x the Jacobian is ∂H/∂x = ∂F/∂x + I. So a gradient comes back through a silent branch as it went in.

That it *cannot* vanish is often said and is wrong: I + J is small where J is near −I. What holds, with ‖J‖ the largest
singular value, is
    σ_min(I + J) ≥ 1 − ‖J‖,
so a block passes gradients of every direction as long as its branch stays small. The paper says as much: the branch's
part is unlikely to be −1 for all samples of a batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def jacobian(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∂function/∂x as a matrix: one row for each output value, one column for each input value."""
    rows: Tensor = torch.autograd.functional.jacobian(function, x)  # type: ignore[no-untyped-call]  # torch has no types
    return rows.reshape(-1, x.numel())  # from output shape × input shape


def smallest_singular_value(matrix: Tensor) -> float:
    """How much of a gradient is left in the direction that suffers most."""
    return float(torch.linalg.svdvals(matrix)[-1])


def spectral_norm(matrix: Tensor) -> float:
    """The largest singular value: how much a gradient can grow."""
    return float(torch.linalg.matrix_norm(matrix, ord=2))


def gradient_norms(network: nn.Module, loss: Callable[[Tensor], Tensor], x: Tensor) -> list[float]:
    """The gradient's norm for the weight of every convolution and linear layer, from the first to the last.

    `loss` makes a number of the network's output. The network's own gradients are left as they were.
    """
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [float(gradient.norm()) for gradient in torch.autograd.grad(loss(network(x)), weights)]
