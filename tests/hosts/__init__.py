"""Real Docker Engines for tests, two generations of them, beside whatever runs on the machine.

Here belongs what starts, stops and fills engines. What the tests ask of an engine does not.
Standard library only, so that it works before the project is installed.
"""

from tests.hosts.engines import Engine, engine, running, start, stop
from tests.hosts.images import load_images

__all__ = ["Engine", "engine", "load_images", "running", "start", "stop"]
