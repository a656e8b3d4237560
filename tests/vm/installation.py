"""An installation of orchestr8 on the machine that makes its boxes by crun, beside others there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.hosts.vm import Answer, Machine

CLAIMS_OF_THE_HOST = ("lsm", "device-rules", "limits.memory")
"""What only a host of this kind lets hold."""


@dataclass(frozen=True)
class Installation:
    """Commands of one installation, whose folders are named after it."""

    machine: Machine
    name: str

    @property
    def environment(self) -> str:
        """What its commands need, as words before a command."""
        places = {"STATE": "/var/lib", "RUN": "/run"}
        folders = [f"ORCHESTR8_{key}={at}/orchestr8-{self.name}" for key, at in places.items()]
        return " ".join(["ORCHESTR8_ENGINE=crun", *folders])

    def tried(self, command: str, timeout: float = 900) -> Answer:
        """What becomes of a command."""
        return self.machine.run(f"{self.environment} orchestr8 {command}", timeout=timeout)

    def typed(self, command: str, timeout: float = 900) -> str:
        """What a command prints; it must succeed."""
        answer = self.tried(command, timeout)
        assert answer.status == 0, answer.output
        return answer.output

    def take_images(self, *names: str) -> None:
        """Gives its store these of our images."""
        for name in names:
            self.typed(f"image import /project/images/{name}.tar")

    def running(self) -> dict[str, str]:
        """The first processes of running boxes by service, in the runtime's own words."""
        listed = self.machine.check(
            f"for root in /run/orchestr8-{self.name}/*/crun/crun; do "
            'test -d "$root" && crun --root "$root" list; done; true'
        )
        rows = [line.split() for line in listed.splitlines() if " running " in line]
        return {row[0].split("--")[1]: row[1] for row in rows}

    def proved(self) -> set[str]:
        """The claims about all boxes, each by box and claim; all are held, and none is a gap."""
        document = json.loads(self.typed("prove --output json"))
        assert not document["gaps"], document["gaps"]
        verdicts = {
            f"{one['box']}: {finding['claim']}": (finding["verdict"], finding["observed"])
            for one in document["boxes"]
            for finding in one["findings"]
        }
        wrong = {claim: found for claim, found in verdicts.items() if found[0] != "held"}
        assert not wrong
        running = self.running()
        assert running, "no box runs, so nothing was proved"
        for name in CLAIMS_OF_THE_HOST:
            about = [one for one in verdicts if one.endswith(f": {name}")]
            assert len(about) == len(running), (name, sorted(verdicts))
        return set(verdicts)
