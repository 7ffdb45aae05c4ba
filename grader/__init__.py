"""Marks PyTorch homework that comes as Jupyter notebooks, and can prove what it says."""

__version__ = "0.1.0"
