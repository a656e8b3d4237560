"""What skopeo and umoci say when they fail, in our words: what it means and what would mend it.

The first row that fits wins. An unreachable registry comes first: where a mirror answers that it
has no such image, and the registry itself does not answer, nobody knows.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from orchestr8.errors import EngineError, RejectedError, UnavailableError

_MESSAGE = re.compile(r'\bmsg=("(?:[^"\\]|\\.)*"|\S+)')
_NOISE = re.compile(r'^Error parsing image name "[^"]*": ')
_ASKED = re.compile(r"pinging container registry ([^\s/]+): ")


class Row(NamedTuple):
    """A pattern of the message in lower case, what it means, and what the reader does next.

    `{registry}` is the name of the registry that answered, or did not: a mirror for instance.
    """

    pattern: str
    error: type[RejectedError] | type[UnavailableError]
    what: str
    remedy: str


_BUILT_HERE = "one that Docker built here comes by orchestr8 image import docker-daemon:NAME"

ROWS = (
    Row(
        r"no space left on device|disk quota exceeded", RejectedError,
        "the disk is full", "make room on it: `orchestr8 image gc` deletes images that no box runs",
    ),
    Row(
        r"gzip: invalid|unexpected end|corrupt|archive/tar|invalid tar|flate: |diffid mismatch"
        r"|create rootfs: .*(unexpected eof|link: no such file)", RejectedError,
        "a layer of the image is broken", "fetch or build it anew",
    ),
    Row(
        r"cannot connect to the docker daemon", UnavailableError,
        "no Docker Engine answers", "start it, or say where it is by DOCKER_HOST",
    ),
    Row(
        r"connection refused|no such host|timeout|timed out|network is unreachable|no route to host"
        r"|connection reset|broken pipe|unexpected eof|: eof$|server misbehaving"
        r"|50[0234] |service unavailable|bad gateway|toomanyrequests|too many requests",
        UnavailableError,
        "the registry {registry} does not answer, or not to the end",
        "look whether it can be reached: what came so far is kept, and the next try goes on there; "
        "or bring it yourself: orchestr8 image import ARCHIVE",
    ),
    Row(
        r"server gave http response to https client", RejectedError,
        "the registry {registry} speaks without TLS",
        "give it a certificate; or trust it as it is: insecure = true for it in "
        "/etc/containers/registries.conf",
    ),
    Row(
        r"x509|certificate|tls: ", RejectedError,
        "the registry {registry} has a certificate that this machine does not trust",
        "put its authority's certificate into /etc/containers/certs.d/{registry}/ca.crt",
    ),
    Row(
        r"digest did not match|does not match provided manifest digest|manifest digest .* mismatch"
        r"|hash mismatch|invalid checksum|digest mismatch|incorrect digest|verification failed",
        RejectedError,
        "what arrived is not what its digest names: it was changed or broken on the way",
        "try again; if it stays so, ask who runs the registry {registry}, or build the image anew",
    ),
    Row(
        r"unauthori[sz]ed|denied|forbidden|invalid username/password|authentication required",
        RejectedError,
        "the registry {registry} does not let us read it: no login, or a wrong one",
        "log in as who runs orchestr8: skopeo login {registry}; or name a file of logins by "
        f"REGISTRY_AUTH_FILE; {_BUILT_HERE}",
    ),
    Row(
        r"no image found in (manifest list|image index)", RejectedError,
        "the image has no variant for this machine's processor",
        "build or choose one that has",
    ),
    Row(
        r"manifest unknown|name unknown|not found|reference does not exist|no such image"
        r"|no descriptor found|tag .* does not exist",
        RejectedError,
        "there is no such image or tag",
        f"look at its name and tag; {_BUILT_HERE}",
    ),
    Row(
        r"(unsupported|unknown|invalid|not correct).*media ?type", RejectedError,
        "a part of the image is of a kind that umoci cannot unpack",
        "build it with plain or gzip layers",
    ),
    Row(
        r"json: cannot unmarshal", RejectedError,
        "what it says of itself cannot be read", "build it anew",
    ),
)  # fmt: skip


def failure(doing: str, errors: str, registry: str) -> EngineError:
    """The error for what a program wrote to its error output."""
    said = last_words(errors)
    for row in ROWS:
        if re.search(row.pattern, said.lower(), re.DOTALL):
            asked = _ASKED.findall(said)
            name = asked[-1] if asked else registry or "that it came from"
            # Not by str.format: what a registry is called is never a format.
            what, remedy = (text.replace("{registry}", name) for text in (row.what, row.remedy))
            return row.error(f"{doing}: {what} ({said})", remedy)
    return RejectedError(f"{doing}: {said}", "look at the image's name, and at what it says")


def last_words(errors: str) -> str:
    """Why they ended: both programs tell what they do, line by line, before."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    found = _MESSAGE.search(lines[-1])
    if not found:
        return lines[-1].removeprefix("⨯ ")
    quoted = found[1]
    try:
        message = str(json.loads(quoted)) if quoted.startswith('"') else quoted
    except ValueError:
        message = quoted.strip('"')
    return _NOISE.sub("", message)
