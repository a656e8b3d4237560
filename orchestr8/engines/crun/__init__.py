"""The crun engine: boxes by two packaged programs, crun and conmon, with no daemon of anyone's.

Here belong the translation to OCI bundles, the images' store, and the driving of the programs. What
the host's hand does for every engine (mounts, cgroups, the packet filter) does not.
"""
