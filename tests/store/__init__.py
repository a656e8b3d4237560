"""The store: what survives a kill, a full disk and a second process."""
