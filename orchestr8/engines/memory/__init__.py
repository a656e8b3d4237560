"""The memory engine: no containers, every promise, and faults to order.

For laws and simulation, and for a first look at a plan without a host.
"""
