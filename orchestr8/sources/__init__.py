"""Where manifests come from beside the command line: git repositories and folders.

What a source says is fetched, read and judged here: whose signature a commit carries, which files
lie below a path. Nothing here knows what a manifest means, applies anything or remembers anything
that could not be fetched again. Programs that read what strangers wrote run as children without
rights. Only the controller imports it.
"""
