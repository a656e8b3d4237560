"""Sources against real git: commits that are really signed, servers that really answer."""
