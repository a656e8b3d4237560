"""What was shown. Pure: claims, findings, verdicts.

Takes an expectation (a box's carried spec and its allocations) and readings of the kernel. It
never asks an engine, and never knows who wrote what it reads.
"""
