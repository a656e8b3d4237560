"""The floor of a Docker Engine: a client that only calls its socket.

Nothing of orchestr8 is imported here, nor any library: what it takes is what the engine takes.
"""
