"""What the reader probably meant: nearest words, and other tools' keys with ours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestr8 import names

_RELAX = "see `orchestr8 explain relaxation {}`"

_SERVICE = {
    "command": "use `args` for the arguments, `entrypoint` to replace the program",
    "cmd": "use `args`",
    "ports": "use `publish: {127.0.0.1:8080: 80}`: address and port of the host, port of the box",
    "expose": "take it out: a port is opened by `connects` of the service that calls it",
    "environment": "use `env`",
    "env_file": "use `env`, or a secret that the program reads as a file",
    "envFrom": "use `env`, or a secret that the program reads as a file",
    "links": "use `connects: [service.owner:port]`",
    "networks": "use `connects: [service.owner:port]`; nothing else is reachable",
    "network_mode": "every box has its own network; to join another's " + _RELAX.format(
        "ns.net.share"
    ),
    "hostNetwork": "every box has its own network; use `publish` for a port of the host",
    "hostPID": "every box sees only itself; " + _RELAX.format("ns.pid.share"),
    "hostIPC": "every box has its own memory segments; " + _RELAX.format("ns.ipc.share"),
    "pid": "every box sees only itself; " + _RELAX.format("ns.pid.share"),
    "ipc": "every box has its own memory segments; " + _RELAX.format("ns.ipc.share"),
    "privileged": "there is no such switch; ask for the one power that is needed: "
    "`relax: [cap.add: NAME]`",
    "cap_add": "use `relax: [cap.add: NAME]`, each with its own `why`",
    "cap_drop": "take it out: every capability is dropped already",
    "security_opt": "take it out: no new privileges and a system call filter always hold",
    "securityContext": "take it out: every box starts as tight as it can be",
    "read_only": "take it out: the root is read-only already; writable places are `scratch`",
    "user": "take it out: every service has an id of its own; for the image's " + _RELAX.format(
        "user.fixed"
    ),
    "group_add": "every service has a group of its own; " + _RELAX.format("user.fixed"),
    "userns_mode": "take it out: a user namespace is used wherever the engine has it",
    "devices": "use `relax: [device.add: {path: /dev/fuse}]`",
    "tmpfs": "use `scratch: {/path: 16MiB}`",
    "shm_size": "use `scratch: {/dev/shm: 64MiB}`",
    "volumeMounts": "use `volumes: {/path: name}`",
    "configs": "use `files: {/path/in/box: ./file}`",
    "depends_on": "use `after: [service]`; `connects` orders the first start already",
    "healthcheck": "use `health: {http: \":8080/healthz\"}`, `tcp` or `command`",
    "livenessProbe": "use `health`",
    "readinessProbe": "use `health`",
    "startupProbe": "use `health` with `within`",
    "restart": "take it out: boxes are healed; `run: once` is for what shall end",
    "restartPolicy": "take it out: boxes are healed; `run: once` is for what shall end",
    "deploy": "use `replicas`, `limits` and `update`",
    "resources": "use `limits: {cpu: {guarantee, max}, memory: {guarantee, max}}`",
    "scale": "use `replicas`",
    "count": "use `replicas`",
    "mem_limit": "use `limits: {memory: 256MiB}`",
    "mem_reservation": "use `limits: {memory: {guarantee: 64MiB}}`",
    "memswap_limit": "take it out: swap is never allowed",
    "cpus": "use `limits: {cpu: 0.5}`",
    "cpu_shares": "use `limits: {cpu: {guarantee: 0.25}}`",
    "cpuset": "use `limits: {cpu: {dedicated: 1}}` for whole cores of its own",
    "pids_limit": "use `limits: {pids: 256}`",
    "blkio_config": "use `limits: {io: {read: 50MiB/s, write: 20MiB/s}}`",
    "ulimits": "take it out: resource limits are set by the profile",
    "sysctls": "take it out: kernel settings are those of the profile; "
    "ports below 1024 are open to every box",
    "stop_grace_period": "use `stop: {grace: 10s}`",
    "terminationGracePeriodSeconds": "use `stop: {grace: 10s}`",
    "stop_signal": "use `stop: {signal: SIGTERM}`",
    "working_dir": "use `workdir`",
    "workingDir": "use `workdir`",
    "container_name": "take it out: a box is named 0.service.owner",
    "hostname": "take it out: a box is named after its service",
    "domainname": "take it out: a box is named after its service",
    "dns": "take it out: names of linked services resolve; nothing else does",
    "extra_hosts": "take it out: names of linked services resolve; outside see "
    "`orchestr8 explain relaxation net.egress`",
    "build": "build the image first, then name it under `image`",
    "labels": "take it out: labels are what other programs act on; only our own are set",
    "annotations": "take it out: only our own labels are set",
    "logging": "take it out: logs are kept bounded; read them with `orchestr8 logs`",
    "init": "take it out",
    "tty": "take it out: a box has no terminal",
    "stdin_open": "take it out: a box has no input",
    "platform": "take it out: images are taken for this machine; the key `platform` stands at "
    "the top of the platform's own file",
    "pull_policy": "take it out: a tag is resolved once and recorded",
    "imagePullPolicy": "take it out: a tag is resolved once and recorded",
    "profiles": "take it out: put such services into a set of their own",
    "owner": "`owner` is said once, at the top of the file",
    "name": "take it out: the service's key is its name",
    "egress": "use `relax: [net.egress: {to: 198.51.100.0/24, ports: [443]}]`",
    "interpreter": "use `entrypoint`",
}  # fmt: skip
_ROOT = {
    "version": "write `orchestr8: 1`",
    "apiVersion": "write `orchestr8: 1`; this is not a Kubernetes manifest",
    "kind": "write `services`; this is not a Kubernetes manifest",
    "metadata": "write `owner` and `services`; this is not a Kubernetes manifest",
    "spec": "write `services`; this is not a Kubernetes manifest",
    "name": "take it out: a set is named on the command line, an owner by `owner`",
    "networks": "take it out; write `connects` in the services that call others",
    "configs": "use `files: {/path/in/box: ./file}` in the service",
    "include": "give several files or a folder on the command line",
    "extends": "say what services share under `defaults`",
    "team": "use `owner`",
    "namespace": "use `owner`",
    "sources": "sources belong to `platform`",
    "owners": "owners belong to `platform`",
    "policy": "policy belongs to `platform`",
    "waivers": "waivers belong to `platform`",
}
_HEALTH = {
    "test": "use `command: [program, argument]`, `http` or `tcp`",
    "exec": "use `command: [program, argument]`",
    "httpGet": "use `http: \":8080/path\"`",
    "tcpSocket": "use `tcp: 5432`",
    "interval": "use `every`",
    "periodSeconds": "use `every`",
    "timeoutSeconds": "use `timeout`",
    "retries": "use `failures`",
    "failureThreshold": "use `failures`",
    "start_period": "use `within`",
    "initialDelaySeconds": "use `within`",
}  # fmt: skip
_LIMITS = {
    "cpus": "use `cpu`",
    "mem": "use `memory`",
    "swap": "take it out: swap is never allowed",
    "requests": "use `guarantee` under `cpu` and `memory`",
    "network": "use `bandwidth: {out: 20Mbit/s, in: 100Mbit/s}`",
    "disk": "use `io: {read: 50MiB/s, write: 20MiB/s}`",
    "nofile": "take it out: it is set by the profile",
}
_MINIMUM = {
    "min": "use `guarantee`",
    "request": "use `guarantee`",
    "reservation": "use `guarantee`",
    "limit": "use `max`",
}
FOREIGN_KEYS = {
    "manifest": _ROOT,
    "service": _SERVICE,
    "defaults": _SERVICE,
    "service.health": _HEALTH,
    "service.limits": _LIMITS,
    "service.limits.cpu": _MINIMUM,
    "service.limits.memory": _MINIMUM,
    "service.update": {
        "max_surge": "use `order: start-first` and `parallel`",
        "failure_action": "use `on_failure`",
        "parallelism": "use `parallel`",
        "delay": "take it out: the next box waits for the health of the one before",
    },
    "secret": {
        "external": "use `file: NAME`, a file of the owner's folder on the host",
        "environment": "use `file: NAME`, a file of the owner's folder on the host",
    },
    "volume": {
        "driver": "take it out: volumes are directories of the host that orchestr8 makes",
        "driver_opts": "take it out: volumes are directories of the host that orchestr8 makes",
        "external": "take it out: a volume of another owner is mounted as name.owner",
        "name": "take it out: the volume's key is its name",
    },
}
"""By block (as `explain` names it): a key of other tools, and what to write instead."""


SPECIAL = {
    **{
        ("defaults", key): ("is said in each service, never for all of them", "move it there")
        for key in ("image", "run", "publish", "edge", "relax")
    },
}
"""By block and key: keys that exist, but not here or not yet; what is wrong and the remedy."""

_SHELL = r"[|&;<>()$`\\\"'*?\[\]#~=%{}]"


_MANY = 200


def shape_remedy(key: str, value: object) -> str:
    """What a value of the wrong shape looks like in ours; empty where nothing suggests itself."""
    if key in ("args", "entrypoint", "command") and isinstance(value, str):
        words = value.split()
        if not words or re.search(_SHELL, value) or len(value) > 80:
            return f"write a list of words, {key}: [program, argument]; no shell reads it"
        return f"write {key}: [{', '.join(words)}]; no shell reads it"
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        return ""
    parts = value[0].split(":")
    if key == "publish" and len(parts) in (2, 3) and all(parts):
        host = ":".join(parts[:-1]) if len(parts) == 3 else f"127.0.0.1:{parts[0]}"
        return f"write a mapping, publish: {{{host}: {parts[-1].partition('/')[0]}}}"
    if key in ("volumes", "files") and len(parts) in (2, 3) and all(parts):
        return f"write a mapping from the path in the box, {key}: {{{parts[1]}: {parts[0]}}}"
    if key == "env" and "=" in value[0]:
        return f"write a mapping, env: {{{value[0].partition('=')[0][:40]}: …}}"
    return ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like `word`, or an empty text."""
    from difflib import get_close_matches  # slow to import, and needed where something is wrong

    words = list(known)
    if len(words) > _MANY:
        words = [other for other in words if other[:1] == word[:1].lower()][:_MANY]
    lowered = {other.lower().replace("_", "-"): other for other in words}
    folded = word.lower().replace("_", "-")
    if folded in lowered:
        return lowered[folded]
    found = get_close_matches(folded[:60], list(lowered), n=1, cutoff=0.6)
    return lowered[found[0]] if found else ""


def name_remedy(text: str, length_max: int, example: str) -> str:
    """What to write in place of a name that cannot be one."""
    if text in names.RESERVED:
        return f"choose another name, as in {example}"
    guess = name_like(text, length_max)
    return f'did you mean "{guess}"?' if guess else f"write a name as in {example}"


def name_like(text: str, length_max: int) -> str:
    """The name that is most like a text; the text itself if it is one, else perhaps empty."""
    if not text.isascii():
        return ""
    guess = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-").lstrip("0123456789-")
    guess = guess[:length_max].strip("-")
    return "" if names.name_problem(guess, length_max) else guess
