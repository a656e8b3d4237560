"""The hand: cgroups, mounts, the packet filter, staged files, probes from inside a box's network.

Changes only what is ours: our cgroup subtree, our table, our folders. It decides nothing.
"""
