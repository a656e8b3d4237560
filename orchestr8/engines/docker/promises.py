"""What only Docker promises: it is shared with others, and restarts under our hands."""

from __future__ import annotations

PROMISES: dict[str, str] = {
    "docker.labels.adopted": "a container carries what its box needs to be known again",
    "docker.others.untouched": "what others have on the engine stays as it is",
    "docker.others.names": "a name that somebody else's container has is refused, with a remedy",
    "docker.others.installations": "boxes of another installation are neither seen nor changed",
    "docker.others.hands": "what others do to a box is seen: a limit, a kill, a pause, a new name",
    "docker.others.copies": "what is made from a copy of a box is no box, whatever its name",
    "docker.image.hostile": "an image that claims our labels, or brings volumes, gains nothing",
    "docker.image.links": "what is declared below a link of an image is refused, and nothing stays",
    "docker.standbys.known": "whoever asks next sees the slot that a standby took",
    "docker.standbys.lost": "a standby without what was laid out for it is told as ended",
    "docker.answer.lost": "a call whose answer was lost is repeated, and there is one box",
}
"""Promises of the Docker engine alone, by id."""
