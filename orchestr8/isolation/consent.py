"""How dangerous a relaxation is, and who has to agree to it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Danger(Enum):
    """What a relaxation lets a service do beyond its box."""

    MINOR = "minor"
    """to itself, or with more of its own quota"""
    MODERATE = "moderate"
    """reach, observe or disturb something outside its box"""
    HOST = "host"
    """the box should be treated as equal to the host"""


class Consent(Enum):
    """Whose agreement it takes, the owner's own always included."""

    OWNER = "owner"
    PEER = "peer"
    """the other owner concerned says so in its own file"""
    PLATFORM = "platform"
    """policy or `may`, or a waiver"""
    TWO = "two"
    """a waiver by two platform persons"""


class Assessment(Struct, frozen=True):
    """Danger and consent of one relaxation with its parameters on one kind of host."""

    danger: Danger
    consent: Consent
