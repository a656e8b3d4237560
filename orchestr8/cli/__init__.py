"""For whom: one file a verb, and how things are shown. typer and rich live here only."""
