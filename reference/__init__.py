"""Right answers, one file per architecture, written to be read.

A student's module is compared with these: same weights in, same outputs and same gradients out. They are
plain `nn.Module`s without any trick, so that an instructor can check each against the paper in a minute.
"""
