"""One suite for all engines: every promise of `orchestr8/engines/protocol.py` is a test of that name.

An engine that cannot be had is skipped by its name, never in silence.
"""
