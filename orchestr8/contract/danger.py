"""How dangerous a relaxation is beside everything else that its service asks for."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.contract.asked import Asked, labelled
from orchestr8.isolation.consent import Assessment, Consent
from orchestr8.isolation.relaxations import RELAXATIONS, TWO_HOST
from orchestr8.manifest.model import Service


def assess(service: Service, asked: Asked, user_namespace: bool) -> tuple[Asked, Assessment]:
    """Danger and consent of one relaxation of this service on such a host.

    Root of the host's user namespace that sees a path of the host, or has a capability that is as
    good as the host, is the host's root.
    """
    beside = "" if user_namespace or asked.entry.id != "user.root" else _reach(service)
    if beside:
        return replace(asked, beside=beside), TWO_HOST
    return asked, asked.entry.assess(dict(asked.arguments), user_namespace)


def _reach(service: Service) -> str:
    """The first line by which the host's root would reach the host, if there is one."""
    for line in service.relax:
        entry = RELAXATIONS[line.id]
        alone = entry.assess(dict(line.arguments), False)
        if line.id == "fs.host-path" or (line.id == "cap.add" and alone.consent is Consent.TWO):
            return labelled(entry, line.arguments)
    return ""
