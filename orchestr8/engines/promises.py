"""What an engine promises, one sentence each: the protocols' small print, and the suite's list.

An id begins with protocol and method. Who writes an engine reads this beside `protocol.py`; who
adds a promise writes its test in `tests/conformance`, and a promise without one fails the tests.
"""

from __future__ import annotations

PROMISES: dict[str, str] = {
    # boxes
    "boxes.features.honest": "what is enforced here is listed, what is not has a reason",
    "boxes.observe.complete": "one snapshot has all our boxes, sorted by id, and names the boot",
    "boxes.observe.named": "asked for some boxes, it has those that exist and no others",
    "boxes.observe.carried": "a box carries what it was declared to be",
    "boxes.observe.limits": "a running box's limits are those that the kernel enforces",
    "boxes.observe.ending": "a box that ended says with which status, when, and if of memory",
    "boxes.create.prepares": "files, secrets, names, volumes and peers are in place at the start",
    "boxes.create.runs-nothing": "nothing of the workload runs before its start",
    "boxes.create.again": "the same id with the same spec is success and changes nothing",
    "boxes.create.another-spec": "the same id with another spec is rejected, and says what differs",
    "boxes.create.fails-closed": "what cannot be made in full is not made, and leaves nothing",
    "boxes.start.runs": "a created box runs, with a pid and a time",
    "boxes.start.again": "starting a running box is success and changes nothing",
    "boxes.start.once": "a box runs once: a stopped one is rejected",
    "boxes.start.fails-closed": "a box that cannot be started is gone, with all that it had",
    "boxes.update.in-place": "limits change while the same first task runs on, up and down",
    "boxes.update.running": "a running box or a standby has limits to change, any other none",
    "boxes.stop.signal": "a box gets its signal, or the image's own, and ends at once if it heeds",
    "boxes.stop.grace": "a box that ignores its signal is ended after the grace, not before",
    "boxes.stop.absent": "what does not run counts as stopped",
    "boxes.remove.everything": "all that create made is gone, whether the box ran or not",
    "boxes.remove.running": "a running box is not removed",
    "boxes.remove.absent": "what is not there counts as removed",
    "boxes.write_names.in-place": "a running box sees its new names at once",
    "boxes.write_names.absent": "names of a box that is not there are rejected",
    # optional, asked for by type
    "standbys.take.runs": "a standby takes a slot and runs at once, with the limits that it has",
    "standbys.take.changed": "a standby's limits and names change in place before it is taken",
    "standbys.take.again": "taking a box that runs is success, and one that stopped is rejected",
    "cores.set_cores.from-the-start": "a box that is given cores runs on them alone from its start",
    "cores.set_cores.in-place": "a box moves to other cores, and back to all, and runs on",
    "cores.set_cores.ended": "a box that has ended, or is not there, counts as moved",
    "cores.set_cores.absent": "cores that are not there are rejected, for a fresh box as well",
    "tending.tend.harmless": "boxes go on as they are, and nothing that they wrote is lost by it",
    "logs.logs.last-lines": "the last lines are kept for as long as the box is, stopped or not",
    "logs.follow.until-it-ends": "each line is given as it comes, none twice, until the box ends",
    "logs.follow.left": "whoever has left a box that says nothing keeps nobody waiting",
    "exec.execute.running": "a command runs in a running box, and in no other",
    "exec.execute.overruns": "a command that overruns ends, with what it began in its session",
    "exec.execute_attached.status": "a joined command gives its status and writes to our output",
    "exec.execute_attached.left": "a joined command, and what it began in its session, ends once "
    "nobody is at its other end",
    "endings.ended_from_outside.told": "a box that was told to end is known from one that ended",
    "phases.phases.measured": "who measures the phases of a box tells them until the box goes",
    "events.listen.told": "a box that ends by itself, or is ended, is told to whoever listens",
    # images
    "images.resolve.facts": "a reference or an id gives the facts of an image that is present",
    "images.resolve.fetches-nothing": "an image that is absent stays absent, and gives none",
    "images.fetch.present": "afterwards the image is present; fetching it again is success",
    "images.fetch.fails": "what no registry has is rejected with a remedy, and nothing is there",
    # volumes
    "volumes.volumes.listed": "all our volumes, each with its owner, its name and its uid",
    "volumes.ensure.size": "a volume with a size is no larger, and grows when it is asked to",
    "volumes.ensure.once": "a volume is made once; what is there is left as it is",
    "volumes.delete.asked-only": "a volume outlives its boxes, and nothing else deletes it",
    "volumes.delete.in-use": "a volume that a box has is not deleted",
    "volumes.delete.absent": "a volume that is not there counts as deleted",
    "copies.used.told": "what a volume takes of the disk is told in bytes",
    "copies.copies.listed": "all whole copies are listed, also of volumes that are gone",
    "copies.copy.moment": "a copy is as its volume was at one moment, whole or not there at all",
    "copies.restore.replaces": "a copy takes the place of what a volume held, unless a box has it",
    "copies.discard.absent": "a copy that is not there counts as deleted",
    # the host beside the engine
    "network.prepare.again": "bridge and table are made where they are missing, and stay",
    "network.observe.elements": "what the table holds, and the ranges that it serves",
    "network.observe.wires": "a box that is cut off from the bridge is told, and can be put back",
    "network.change.transaction": "one change adds and removes together; repeats are harmless",
    "network.listeners.told": "a port that somebody listens on is told",
    "owners.ensure.again": "an owner's quota is set, changed and taken away by the same call",
    "owners.quotas.carried": "quotas are read from where they are enforced",
    "owners.bias.first": "a box is marked to end before its owner's others, or as usual again",
    "probes.check.answer": "a box that works gives no answer, any other a sentence",
    "witness.read.proves": "the kernel's view of a box as declared holds in every claim",
    "witness.use.told": "what a box and its owner use is told until the box ends",
    "keepsake.keep.again": "what is kept is whole, and a later content takes the place of it",
    "keepsake.kept.next": "the next caller finds it; what was never kept is nothing",
    "installations.found.everyone": "whoever has boxes or volumes here is counted, another too",
    # errors, and callers
    "errors.raised.unavailable": "an engine that is away is unavailable, and good again after it",
    "errors.raised.rejected": "what will fail again is rejected, with what and why",
    "errors.raised.feature-missing": "what this host cannot enforce is refused by its name",
    "callers.many.together": "calls may come from several threads",
}
"""Promises of every engine, by id."""
