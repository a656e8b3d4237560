"""The hand against the real kernel: namespaces, cgroups and mounts that the tests make and end."""
