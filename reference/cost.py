"""What a network costs: its parameters, and the multiply-adds of one image.

Papers write "FLOPs" and mean multiply-adds: He et al., "Deep Residual Learning for Image Recognition" (2015), table 1
and section 3.3. Counters that take a multiplication and an addition for two operations report twice as much.

Both work on the meta device, where a tensor has a shape and no values, so that a network of 60 million weights is
counted in a blink:

    with torch.device("meta"):
        network = resnet(152)
        multiply_adds(network, 3, 224, 224)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def parameters(module: nn.Module) -> int:
    """How many numbers the optimiser changes. Running statistics of batch norms are buffers, and not among them."""
    return sum(parameter.numel() for parameter in module.parameters())


def multiply_adds(module: nn.Module, *shape: int) -> int:
    """Multiply-adds of the convolutions and linear layers for one input of this shape, without the batch dimension.

    An output value is a dot product of one filter with what it reads, whose length is the size of the filter: for a
    k×k convolution from C to D channels in g groups C/g·k², so H·W·D·C/g·k² in all; for a linear layer the inputs.
    Biases, batch norms, activations, pooling and the additions of shortcuts are left out, as in the papers: less than
    1 % in the networks here.
    """
    total = 0

    def add(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer.weight, Tensor)
        total += output.numel() * layer.weight[0].numel()

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(add) for layer in layers]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *shape, device=next(module.parameters()).device))
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
    return total
