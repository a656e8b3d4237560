"""The witness: reads /proc, cgroups, mounts and network of a box, and writes nothing.

What a reading *means* is decided by the proof; what it should be is not known here.
"""
