"""One suite for all engines: each promise of `orchestr8/engines/promises.py` is a test.

An engine that cannot be had is skipped by its name, never in silence.
"""
