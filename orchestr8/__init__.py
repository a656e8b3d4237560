"""orchestr8: one service per box, tightest by default, proved from the kernel."""

__version__ = "0.1.0"
