"""What the tests of the hand need of the machine."""

from __future__ import annotations

import os

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes the kernel: needs root")
