"""Scenarios: the command line, as a person types it, against real Docker Engines.

Each test is an obligation; its steps read as intent, and what it looks at is the real thing: HTTP,
psql, the engine's own lists, the kernel.
"""
