"""The labels by which a container says whose it is, and as what it was made."""

from __future__ import annotations

INSTALLATION = "orchestr8.installation"
BOX = "orchestr8.box"
SLOT = "orchestr8.slot"
SET = "orchestr8.set"
KEY = "orchestr8.key"
SPEC = "orchestr8.spec"
ADDRESS = "orchestr8.address"
JOINS = "orchestr8.joins"
UID_RANGE = "orchestr8.uid-range"
SERVICE_ADDRESS = "orchestr8.service-address"
STOP = "orchestr8.stop"
STATE = "orchestr8.state"
