"""Gradients through stacks of small layers, plain and residual.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks" (2016), section 2, equation (5).
Below the right answers stand wrong ones that students give.
"""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_norms(weights: Tensor, x: Tensor, shortcut: bool) -> list[float]:
    """Layers h → tanh(h Wᵀ), and + h with a shortcut; the loss is the sum of squares of what comes out.

    Shapes: weights L × n × n, x N × n; L norms, from the first layer to the last.
    """
    return [float(gradient.norm()) for gradient in _gradients(weights, x, shortcut, squared=True)]


def _gradients(weights: Tensor, x: Tensor, shortcut: bool, *, squared: bool) -> tuple[Tensor, ...]:
    layers = [weight.detach().clone().requires_grad_() for weight in weights]
    hidden = x
    for weight in layers:
        out = torch.tanh(hidden @ weight.T)
        hidden = out + hidden if shortcut else out
    return torch.autograd.grad((hidden**2 if squared else hidden).sum(), layers)


def block_jacobian(weight: Tensor, x: Tensor) -> Tensor:
    """∂H/∂x of H(x) = tanh(W x) + x: row i holds the derivatives of output i. Shapes: n × n, n → n × n."""
    return branch_jacobian(weight, x) + torch.eye(len(x), dtype=x.dtype)


def lower_bound(jacobian: Tensor) -> float:
    """σ_min(I + J) ≥ 1 − ‖J‖, with the spectral norm."""
    return 1 - float(torch.linalg.matrix_norm(jacobian, ord=2))


# ---------------------------------------------------------------------- wrong


def norms_without_shortcut(weights: Tensor, x: Tensor, shortcut: bool) -> list[float]:
    return gradient_norms(weights, x, shortcut=False)


def norms_of_sum(weights: Tensor, x: Tensor, shortcut: bool) -> list[float]:
    return [float(gradient.norm()) for gradient in _gradients(weights, x, shortcut, squared=False)]


def squared_norms(weights: Tensor, x: Tensor, shortcut: bool) -> list[float]:
    return [norm**2 for norm in gradient_norms(weights, x, shortcut)]


def branch_jacobian(weight: Tensor, x: Tensor) -> Tensor:
    return (1 - torch.tanh(weight @ x) ** 2)[:, None] * weight


def transposed_jacobian(weight: Tensor, x: Tensor) -> Tensor:
    return block_jacobian(weight, x).T


def frobenius_bound(jacobian: Tensor) -> float:
    return 1 - float(jacobian.norm())


def always_one(jacobian: Tensor) -> float:
    return 1.0


def smallest_singular_value(jacobian: Tensor) -> float:
    return float(torch.linalg.svdvals(jacobian + torch.eye(len(jacobian), dtype=jacobian.dtype))[-1])
