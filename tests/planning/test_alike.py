"""What boxes have in common is held once, and a plan is the same for it."""

from __future__ import annotations

from orchestr8.alike import first
from orchestr8.boxes.spec import BoxSpec, from_json, to_json
from orchestr8.isolation.profile import Profile, Scratch
from orchestr8.names import ServiceName

SPEC = BoxSpec(
    "sha256:" + "a" * 64,
    args=("serve", "--port"),
    uid=65_532,
    env=(("LOG_LEVEL", "info"),),
    hostname="api",
    profile=Profile(scratch=(Scratch("/tmp", 1 << 20),)),
)


def test_specs_that_are_read_share_what_is_alike() -> None:
    one, other = from_json(to_json(SPEC)), from_json(to_json(SPEC))
    assert one == other == SPEC
    assert one is not other
    assert one.env is other.env
    assert one.profile is other.profile
    assert one.image_id is other.image_id
    assert one.uid is other.uid


def test_what_differs_stays_what_it_is() -> None:
    assert first(("1",)) == ("1",)
    assert first("1") == "1"
    assert first(0) is not first(False)
    pair = first(("me", "api"))
    assert type(first(ServiceName(*pair))) is ServiceName
    assert type(first(pair)) is tuple
    assert first(()) == ()
