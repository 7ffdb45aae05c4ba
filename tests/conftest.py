"""One thread: the tests run many tiny operations, and the machine runs other tests beside them."""

import torch

torch.set_num_threads(1)
