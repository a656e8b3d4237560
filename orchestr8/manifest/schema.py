"""The language of a manifest: one class a block, one field a key.

A file is a `Manifest`. What only the platform may write is in the module beside this one. Values
come out typed but not yet resolved: a service without an owner has an empty one.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from orchestr8.manifest import addresses, editor, images, paths, scalars
from orchestr8.manifest.arguments import Asked, asked
from orchestr8.manifest.blocks import GROWS, IN_PLACE, NEW_BOX, NOT_BUILT, Block, told
from orchestr8.manifest.parts import (
    EdgeBlock,
    HealthBlock,
    HealthDefaults,
    LimitsBlock,
    StopBlock,
    UpdateBlock,
)
from orchestr8.manifest.reads import Reads, ReadsShape, WrongError
from orchestr8.manifest.types import (
    BoxPath,
    Literal,
    Name,
    OwnerName,
    Peer,
    Port,
    Size,
    count,
    word,
)

REPLICAS_MOST = 1_000

Image = Annotated[
    str,
    Reads(
        images.image,
        "an image",
        "registry.example/api:1.4",
        editor.text(minLength=1, maxLength=512),
    ),
]
Workdir = Annotated[str, Reads(paths.workdir, "a path in the box", "/srv/app", editor.PATH)]
Beside = Annotated[
    str, Reads(paths.beside, "a file beside the manifest", "./api.toml", editor.text(minLength=1))
]
Sealed = Annotated[
    str,
    Reads(
        paths.beside, "a file beside the manifest", "./db-password.age", editor.text(minLength=1)
    ),
]
VolumeName = Annotated[
    tuple[str, str], Reads(scalars.volume_name, "a volume", "ledger", editor.NAME_OF_OWNER)
]
LinkText = Annotated[
    tuple[tuple[str, str], int],
    Reads(
        scalars.link,
        "a service and its port",
        "db.data:5432",
        editor.text(pattern=r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)?:[0-9]{1,5}$"),
    ),
]
HostPort = Annotated[
    tuple[str, int],
    Reads(
        addresses.published,
        "an address and port of the host",
        "127.0.0.1:8080",
        editor.text(pattern=r"^([0-9.]+:)?[0-9]{1,5}$"),
    ),
]
EnvName = Annotated[
    str,
    Reads(
        scalars.env_name,
        "a variable's name",
        "LOG_LEVEL",
        editor.text(pattern="^[A-Za-z_][A-Za-z0-9_]*$"),
    ),
]
VolumeSize = Annotated[int, Reads(scalars.volume_size, "a size", "10GiB", editor.SIZE)]
SecretFile = Annotated[str, Reads(scalars.secret_file, "a file's name", "db-password")]
Relax = Annotated[Asked, ReadsShape(asked, "a relaxation", "cap.add: CHOWN", editor.relax_item)]


def _health_field() -> Any:
    return told(
        "how a box is asked whether it works",
        '{http: ":8080/healthz"}',
        "a box counts as settled after 3 s without exit",
        None,
        IN_PLACE,
    )


class ServiceDefaults(Block):
    """What may be said once for all services of a file."""

    entrypoint: list[Literal] | None = told(
        "the program and its first arguments, in place of the image's; a list, never a shell line",
        "[/usr/bin/api, --serve]",
        "the image's own",
        None,
        NEW_BOX,
    )
    args: list[Literal] | None = told(
        "arguments of the program; a list, never a shell line",
        "[serve, --port, 8080]",
        "the image's own",
        None,
        NEW_BOX,
    )
    env: dict[EnvName, Literal] = told(
        "environment variables, taken literally; for what is secret use `secrets`",
        "{LOG_LEVEL: info}",
        "the image's own, less loader variables such as LD_PRELOAD",
        {},
        NEW_BOX,
    )
    workdir: Workdir | None = told(
        "the directory in which the program starts", "/srv/app", "the image's own", None, NEW_BOX
    )
    files: dict[BoxPath, Beside] = told(
        "files of the repository, read beside the manifest, read-only in the box",
        "{/etc/api.toml: ./api.toml}",
        "none",
        {},
        NEW_BOX,
    )
    secrets: list[Name] = told(
        "secrets of the same owner, each a file /run/secrets/NAME that only the program may read",
        "[db-password]",
        "none",
        [],
        NEW_BOX,
    )
    replicas: Annotated[int, count(0, REPLICAS_MOST, "2")] | None = told(
        "how many boxes; 0 keeps the service declared without any", "2", "1", None, IN_PLACE
    )
    standby: Annotated[int, count(0, 100, "1")] | None = told(
        "boxes kept created but not started: one takes the place of a box that ended",
        "1",
        "0",
        None,
        IN_PLACE,
    )
    after: list[Peer] = told(
        "services that come first, at the first start and in updates; one with `run: once` must "
        "have ended well",
        "[migrate]",
        "none; `connects` already orders the first start",
        [],
        IN_PLACE,
    )
    limits: LimitsBlock | None = told(
        "what one box may use of the machine; always set",
        "{cpu: 0.5, memory: 256MiB}",
        "0.5 cpu, 128MiB, 256 pids",
        None,
        IN_PLACE,
    )
    scratch: dict[BoxPath, Size] = told(
        "writable directories that are gone with the box, held in its memory",
        "{/var/cache/api: 64MiB}",
        "/tmp and /dev/shm of 16MiB each, /run of 1MiB",
        {},
        NEW_BOX,
    )
    volumes: dict[BoxPath, VolumeName] = told(
        "data that outlives boxes: path in the box and the volume, of another owner as name.owner",
        "{/data: ledger}",
        "none",
        {},
        NEW_BOX,
    )
    accepts: list[LinkText] = told(
        "services of other owners that may connect, each to one port; one's own need no line",
        "[front.web:8080]",
        "none",
        [],
        IN_PLACE,
    )
    connects: list[LinkText] = told(
        "services that are called, each on one port, by name (db.data; one's own also as db); "
        "nothing else is reachable",
        "[db.data:5432]",
        "none",
        [],
        IN_PLACE,
    )
    health: HealthDefaults | None = _health_field()
    stop: StopBlock | None = told(
        "how a box is asked to end", "{grace: 30s}", "the image's signal, 10s", None, IN_PLACE
    )
    update: UpdateBlock | None = told(
        "how boxes are replaced",
        "{parallel: 2}",
        "one at a time, the new one first",
        None,
        IN_PLACE,
    )


class ServiceHead(Block):
    """What a service runs, and whether it ends."""

    image: Image = told(
        "what runs: name and tag, best with a digest; a tag is resolved once and recorded",
        "registry.example/api:1.4",
        change=NEW_BOX,
    )
    run: Annotated[str, word("once")] | None = told(
        "once: the box does its work and ends; it runs again only when it is declared differently",
        "once",
        "the box is kept running",
        None,
        NEW_BOX,
    )


class ServiceBlock(ServiceDefaults, ServiceHead):
    """One service: a named workload and how many boxes of it."""

    health: HealthBlock | None = _health_field()
    publish: Annotated[dict[HostPort, Port], BeforeValidator(addresses.each_once)] = told(
        "ports of the host that lead to a port of the box, TCP; a bare port means 127.0.0.1",
        "{127.0.0.1:8080: 80}",
        "none",
        {},
        IN_PLACE,
    )
    edge: EdgeBlock | None = told(
        f"a load balancer of the service's own; {NOT_BUILT}",
        "{listen: 443, to: 8080, tls: api-cert, overflow: {queue: 200, wait: 2s}}",
        "none",
        None,
        IN_PLACE,
    )
    relax: list[Relax] = told(
        "walls to be lowered, each with its reason; `orchestr8 explain relaxation` lists them",
        "[{cap.add: CHOWN}]",
        "none: the box is as tight as can be",
        [],
        NEW_BOX,
    )


class VolumeBlock(Block):
    """Data of an owner; exclusive to one box unless it is shared."""

    size: VolumeSize | None = told(
        "what its files can take, of a file system of its own; with replicas each has as much",
        "10GiB",
        "no limit of its own",
        None,
        GROWS,
    )
    share: dict[
        Annotated[
            tuple[str, str],
            Reads(scalars.service_name, "a service", "report.bi", editor.NAME_OF_OWNER),
        ],
        Annotated[str, word("ro", "rw")],
    ] = told(
        "other services that may mount it, and whether they may write",
        "{report.bi: ro}",
        "nobody else",
        {},
    )


class SecretBlock(Block):
    """A secret: a file in the owner's folder of the host, /etc/orchestr8/secrets/OWNER/, or a
    sealed file of the repository."""

    file: SecretFile | None = told(
        "the file's name in that folder", "db-password", "the secret's own name", None
    )
    sealed: Sealed | None = told(
        "a sealed file beside the manifest; this machine alone can open it: "
        "`orchestr8 secret seal OWNER NAME` makes one",
        "./db-password.age",
        "none: the secret lies on the host",
        None,
        NEW_BOX,
    )

    @model_validator(mode="after")
    def _one_place(self) -> "SecretBlock":
        if self.file is not None and self.sealed is not None:
            raise WrongError(
                "has file and sealed",
                "keep the one that is meant: file: NAME lies on the host, sealed: ./NAME.age in "
                "the repository",
            )
        return self


Version = Annotated[
    int, Reads(scalars.language_version, "the language's version", "1", {"enum": [1, "1"]})
]


class Header(Block):
    """What stands at the top of every file."""

    orchestr8: Version = told("the version of the language", "1")
    owner: OwnerName | None = told(
        "the team that answers for everything in this file",
        "payments",
        "none: only a file with nothing but `platform` goes without",
        None,
    )
