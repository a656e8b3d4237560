"""The API: who asks, what is theirs, and the same answers as those of a command typed here."""
