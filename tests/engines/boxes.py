"""Boxes in brief."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.isolation.limits import Limits
from orchestr8.isolation.profile import Profile
from orchestr8.names import BoxId

UID = 1_048_576 + 65_532
IMAGE_ID = "sha256:" + "1" * 64


def box(name: str = "web--front--1", **settings: Any) -> Box:
    """A box with these fields of itself, its spec, its profile or its limits; the rest is usual."""
    made = Box(
        id=BoxId.parse(name),
        slot=0,
        set_name="default",
        service_key="key-1",
        spec=BoxSpec(
            image_id=IMAGE_ID,
            image="probe:1",
            entrypoint=("/usr/bin/probe",),
            args=("wait",),
            hostname=BoxId.parse(name).service,
            uid=UID,
            gid=UID,
        ),
        limits=Limits(),
    )
    profile = replace(made.spec.profile, **_of(Profile, settings))
    spec = replace(made.spec, profile=profile, **_of(BoxSpec, settings))
    limits = replace(made.limits, **_of(Limits, settings))
    made = replace(made, spec=spec, limits=limits, **_of(Box, settings))
    assert not settings, f"no field of a box is called {', '.join(settings)}"
    return made


def _of(kind: Any, settings: dict[str, Any]) -> dict[str, Any]:
    names = set(kind.__struct_fields__)
    return {name: settings.pop(name) for name in list(settings) if name in names}
