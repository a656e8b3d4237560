"""Applies that are killed at every instant, on a real engine: the next one converges, nothing is
doubled and nothing is left over. `python3 -m tests.crash` walks through all the instants; a sample
of them is in the tests. Boxes on the crun engine are killed by `python3 -m tests.crash.soak`."""
