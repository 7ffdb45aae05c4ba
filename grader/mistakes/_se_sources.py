"""Lines of the SE blocks of `_families` in which the sources of known mistakes change something."""

from __future__ import annotations

USE = "        out = self.gate(out)\n"
SUM = "return F.relu(out + identity)"
MEAN = "z = u.mean((2, 3))"
LAYERS = "z = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))"
SCALE = "return u * z[:, :, None, None]"
WIDTH = "out_channels // reduction"
