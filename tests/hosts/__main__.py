"""`python3 -m tests.hosts start 20`: an engine that stays until it is stopped."""

from __future__ import annotations

import argparse
import sys
import time

from tests.hosts import crun, engines, registry, ssh_server
from tests.hosts.images import load_images


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.hosts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (
        ("start", "start the engine in the background and print DOCKER_HOST"),
        ("load", "load the demo images that the running engine lacks"),
        ("stop", "stop the engine; images and volumes stay"),
        ("wipe", "stop the engine and forget all that it had"),
    ):
        names = [*sorted(engines.GENERATIONS), *(["all"] if verb in ("stop", "wipe") else [])]
        verbs.add_parser(verb, help=text).add_argument("name", choices=names)
    verbs.add_parser("prepare", help="bring the engines and servers that this machine lacks")
    verbs.add_parser("list", help="say which engines run")
    arguments = parser.parse_args()
    match arguments.verb:
        case "start":
            _start(arguments.name)
        case "load":
            return _load(arguments.name)
        case "stop" | "wipe":
            end = engines.stop if arguments.verb == "stop" else engines.wipe
            for name in engines.GENERATIONS if arguments.name == "all" else (arguments.name,):
                end(name)
        case "prepare":
            engines.prepare()
            crun.prepare()
            registry.prepare()
            ssh_server.prepare()
        case "list":
            _list()
    return 0


def _start(name: str) -> None:
    began = time.monotonic()
    found = engines.start(name)
    print(f"export DOCKER_HOST={found.docker_host}")
    taken = time.monotonic() - began
    print(
        f"Docker Engine {found.version}, API {found.api_version}, answers after {taken:.1f} s; "
        f"log: {found.log}",
        file=sys.stderr,
    )


def _load(name: str) -> int:
    found = engines.running(name)
    if not found:
        print(
            f"engine {name} does not run; `python3 -m tests.hosts start {name}` starts it",
            file=sys.stderr,
        )
        return 1
    load_images(found.socket)
    return 0


def _list() -> None:
    for name in sorted(engines.GENERATIONS):
        found = engines.running(name)
        state = f"Docker Engine {found.version} at {found.docker_host}" if found else "stopped"
        print(f"{name}  {state}")


if __name__ == "__main__":
    sys.exit(main())
