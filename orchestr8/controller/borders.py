"""One action, one call: the only place that knows which border an action crosses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from orchestr8.engines.protocol import Borders, Cores, Phases, Standbys, Tending
from orchestr8.errors import FeatureMissingError, RejectedError
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
        case plan.StartBox(box_id, slot):
            _start(borders, box_id, slot)
        case plan.UpdateLimits(box_id, limits):
            borders.boxes.update(box_id, limits)
        case plan.SetCores(box_id, cores):
            _set_cores(borders, box_id, cores)
        case plan.WriteNames(box_id, names):
            borders.boxes.write_names(box_id, names)
        case plan.StopBox(box_id, signal, grace_ms):
            borders.boxes.stop(box_id, signal, grace_ms)
        case plan.RemoveBox(box_id) | plan.ForgetBox(box_id):
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


def _start(borders: Borders, box_id: BoxId, slot: int | None) -> None:
    if slot is None:
        borders.boxes.start(box_id)
    elif isinstance(borders.boxes, Standbys):
        borders.boxes.take(box_id, slot)
    else:
        raise FeatureMissingError(f"the engine {borders.name} keeps no standbys")


def _set_cores(borders: Borders, box_id: BoxId, cores: tuple[int, ...]) -> None:
    if not isinstance(borders.boxes, Cores):
        raise FeatureMissingError(f"the engine {borders.name} gives no box cores of its own")
    borders.boxes.set_cores(box_id, cores)


def phases(borders: Borders, action: plan.Call) -> Mapping[str, float]:
    """What an engine that measures them tells of the phases of the box that was made or started."""
    if not isinstance(action, plan.CreateBox | plan.StartBox):
        return {}
    box_id = subject(action)[0]
    return measured(borders, box_id) if box_id else {}


def measured(borders: Borders, box_id: BoxId) -> Mapping[str, float]:
    """The phases of a box in milliseconds; nothing where its engine does not measure them."""
    boxes = borders.boxes
    return boxes.phases(box_id) if isinstance(boxes, Phases) else {}


def tend(borders: Borders) -> None:
    """What the engine has to be reminded of by whoever acts, if it is of that kind."""
    if isinstance(borders.boxes, Tending):
        borders.boxes.tend()


def subject(action: plan.Call) -> tuple[BoxId | None, str]:
    """The box that an action is about, if it is one, and the word for the journal."""
    match action:
        case plan.CreateBox(box):
            return box.id, str(box.id)
        case (
            plan.StartBox(box_id)
            | plan.AwaitBox(box_id)
            | plan.UpdateLimits(box_id)
            | plan.SetCores(box_id)
            | plan.WriteNames(box_id)
            | plan.StopBox(box_id)
            | plan.RemoveBox(box_id)
            | plan.ForgetBox(box_id)
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
