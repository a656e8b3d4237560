"""One action, one call: the only place that knows which border an action crosses."""

from __future__ import annotations

from typing import assert_never

from orchestr8.engines.protocol import Borders
from orchestr8.errors import RejectedError
from orchestr8.names import BoxId
from orchestr8.planning import plan


def call(borders: Borders, action: plan.Call) -> None:
    """Makes the call; raises EngineError."""
    match action:
        case plan.PrepareNetwork():
            borders.network.prepare()
        case plan.ChangeNetwork(add, remove):
            borders.network.change(add, remove)
        case plan.EnsureOwner(owner, quota):
            borders.owners.ensure(owner, quota)
        case plan.FetchImage(reference, image_id):
            _fetch(borders, reference, image_id)
        case plan.EnsureVolume(volume):
            borders.volumes.ensure(volume)
        case plan.CreateBox(box):
            borders.boxes.create(box)
        case plan.StartBox(box_id):
            borders.boxes.start(box_id)
        case plan.UpdateLimits(box_id, limits):
            borders.boxes.update(box_id, limits)
        case plan.WriteNames(box_id, names):
            borders.boxes.write_names(box_id, names)
        case plan.StopBox(box_id, signal, grace_ms):
            borders.boxes.stop(box_id, signal, grace_ms)
        case plan.RemoveBox(box_id):
            borders.boxes.remove(box_id)
        case plan.AwaitBox():
            raise AssertionError("gates are watched, not called")
        case _:
            assert_never(action)


def _fetch(borders: Borders, reference: str, image_id: str) -> None:
    facts = borders.images.fetch(reference)
    if facts.id != image_id:
        raise RejectedError(
            f"{reference} is another image now ({facts.id[7:19]}) than when it was first "
            f"resolved ({image_id[7:19]})",
            "apply with --pull to take the new one up",
        )


def subject(action: plan.Call) -> tuple[BoxId | None, str]:
    """The box that an action is about, if it is one, and the word for the journal."""
    match action:
        case plan.CreateBox(box):
            return box.id, str(box.id)
        case (
            plan.StartBox(box_id)
            | plan.AwaitBox(box_id)
            | plan.UpdateLimits(box_id)
            | plan.WriteNames(box_id)
            | plan.StopBox(box_id)
            | plan.RemoveBox(box_id)
        ):
            return box_id, str(box_id)
        case plan.EnsureOwner(owner):
            return None, owner
        case plan.FetchImage(reference):
            return None, reference
        case plan.EnsureVolume(volume):
            return None, volume.name
        case plan.PrepareNetwork() | plan.ChangeNetwork():
            return None, "network"
        case _:
            assert_never(action)


def makes_or_ends(action: plan.Call) -> bool:
    """Whether an intent must be on disk before the call."""
    return isinstance(
        action,
        plan.CreateBox | plan.StartBox | plan.StopBox | plan.RemoveBox | plan.EnsureVolume,
    )
