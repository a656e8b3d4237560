"""Every key of the Compose specification, and what becomes of it.

A key is read by the module that carries it, or it is answered here: it needs no line, or it is left
out with the nearest thing that there is. What stands below an answered key is answered with it. A
key that is missing here is unknown to this program, and that is a finding too.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import NamedTuple

from orchestr8.importing.canonical import text
from orchestr8.importing.model import Finding, Findings, Kind
from orchestr8.manifest.foreign import Entry, Mapping, Scalar, Sequence, Value
from orchestr8.manifest.wording import shortened


class Answer(NamedTuple):
    """What becomes of a key; no kind: another module reads it and says what is to be said."""

    kind: Kind | None
    what: str = ""
    nearest: str = ""


READ = Answer(None)
_EXPLAIN = "see `orchestr8 explain relaxation {}`".format
_DECLARED = "`limits` of the service"


def _left(what: str, nearest: str = "") -> Answer:
    return Answer(Kind.LEFT, what, nearest)


def _same(what: str) -> Answer:
    return Answer(Kind.SAME, what)


_LABELS = _left(
    "labels are what other programs act on, and only orchestr8's own are set",
    "say to that program what the label says: a proxy's route in the proxy's own file (`files`)",
)
_RESOURCE_NAME = _same("it is named by its key")
_EGRESS = "net.egress"

TOP: AnyMapping[str, Answer] = {
    "version": _same("Compose itself ignores it"),
    "name": _same("a set is named on the command line, and boxes by their owner"),
    "include": READ,
    "services": READ,
    "networks": READ,
    "volumes": READ,
    "secrets": READ,
    "configs": READ,
    "models": _left("no models are served", "run the model's server as a service of its own"),
}

NETWORK: AnyMapping[str, Answer] = {
    "name": _RESOURCE_NAME,
    "driver": _same("one network with a filter of its own carries every link"),
    "driver_opts": _left("one network carries every link, and it has no options"),
    "ipam": _left("addresses are given out by orchestr8", "call services by name"),
    "external": _left(
        "other projects are not reached by a network of theirs",
        "name their services under `connects`, and these under their `accepts`",
    ),
    "internal": _same("nothing leaves a box that `net.egress` does not let out"),
    "enable_ipv4": _same("boxes have IPv4"),
    "enable_ipv6": _left("boxes have no IPv6"),
    "attachable": _left("nothing joins from outside", "`connects` in the service that calls"),
    "labels": _LABELS,
}
VOLUME: AnyMapping[str, Answer] = {
    "name": _RESOURCE_NAME,
    "driver": READ,
    "driver_opts": _left("a volume is a directory of this machine", _EXPLAIN("fs.host-path")),
    "external": _left(
        "a volume is this owner's, made by the first apply", "`share` of the volume that is meant"
    ),
    "labels": _LABELS,
}
SECRET: AnyMapping[str, Answer] = {
    "name": _RESOURCE_NAME,
    "environment": READ,
    "file": READ,
    "external": _same("the content of every secret is kept outside of the file"),
    "labels": _LABELS,
    "driver": _left("a secret is a file", "put its content into the owner's folder of secrets"),
    "driver_opts": _left("a secret is a file"),
    "template_driver": _left("nothing is filled in", "write the file as it shall be"),
}
CONFIG: AnyMapping[str, Answer] = {
    "name": _RESOURCE_NAME,
    "content": READ,
    "environment": READ,
    "file": READ,
    "external": _left("it is kept elsewhere", "save it beside the manifest: `files`"),
    "labels": _LABELS,
    "template_driver": _left("nothing is filled in", "write the file as it shall be"),
}

_IMAGE_BUILD = "images are built before, with docker build"
_PLACEMENT = _left("there is one machine")
_CPU_SHARE = _left("a share of all cores is no number of cores", "`limits: {cpu: 0.5}`")
_CPU_SET = _left(
    "which cores a box has is decided when it comes",
    "`limits: {cpu: {dedicated: 1}}` gives it as many whole ones for itself",
)
_HOST_NAMES = _left(
    "names of linked services resolve, no others", "call it by its address; " + _EXPLAIN(_EGRESS)
)
_RESOLVER = _left("names of linked services resolve, no others", _EXPLAIN(_EGRESS))
_HOOK = _left(
    "nothing is run beside the program", "a service with `run: once`, named under `after`"
)

SERVICE: AnyMapping[str, Answer] = {
    "annotations": _LABELS,
    "attach": _same("logs are read with `orchestr8 logs`"),
    "blkio_config": READ,
    "build": READ,
    "build.context": READ,
    "build.dockerfile": READ,
    "build.args": READ,
    "build.target": READ,
    **{
        f"build.{key}": _left(_IMAGE_BUILD, "give it to docker build as an option of the same name")
        for key in (
            "additional_contexts",
            "cache_from",
            "cache_to",
            "dockerfile_inline",
            "entitlements",
            "extra_hosts",
            "isolation",
            "labels",
            "network",
            "no_cache",
            "platforms",
            "privileged",
            "provenance",
            "pull",
            "sbom",
            "secrets",
            "shm_size",
            "ssh",
            "tags",
            "ulimits",
        )
    },
    "cap_add": READ,
    "cap_drop": _same("every capability is dropped"),
    "cgroup": READ,
    "cgroup_parent": _left("a box lives below its owner's cgroup, whose quota holds it"),
    "command": READ,
    "configs": READ,
    "container_name": READ,
    "cpu_count": READ,
    "cpu_percent": _CPU_SHARE,
    "cpu_period": READ,
    "cpu_quota": READ,
    "cpu_rt_period": _left("boxes have no real-time share", "`limits: {cpu: {guarantee: 0.5}}`"),
    "cpu_rt_runtime": _left("boxes have no real-time share", "`limits: {cpu: {guarantee: 0.5}}`"),
    "cpu_shares": _left(
        "shares say nothing without the others'", "`limits: {cpu: {guarantee: 0.25}}`"
    ),
    "cpus": READ,
    "cpuset": _CPU_SET,
    "credential_spec": _left("it is Windows' own"),
    "depends_on": READ,
    "deploy": READ,
    "deploy.endpoint_mode": _same("a service has one address, which leads to its healthy boxes"),
    "deploy.labels": _LABELS,
    "deploy.mode": READ,
    "deploy.placement": _PLACEMENT,
    "deploy.replicas": READ,
    "deploy.resources": READ,
    "deploy.restart_policy": READ,
    "deploy.rollback_config": _same("a failed update goes back to what worked"),
    "deploy.update_config": READ,
    "develop": _left("nothing is copied into a running box", "build the image, then apply"),
    "device_cgroup_rules": _left("devices are named one by one", _EXPLAIN("device.add")),
    "devices": READ,
    "dns": _RESOLVER,
    "dns_opt": _RESOLVER,
    "dns_search": _RESOLVER,
    "domainname": _left("a box has its service's name and no domain"),
    "entrypoint": READ,
    "env_file": READ,
    "environment": READ,
    "expose": READ,
    "extends": READ,
    "external_links": _left(
        "containers outside are not reached", "`connects: [service.owner:port]`, once it is here"
    ),
    "extra_hosts": _HOST_NAMES,
    "gpus": _left("devices are named one by one", _EXPLAIN("device.add")),
    "group_add": _left("a service has one group of its own", _EXPLAIN("user.fixed")),
    "healthcheck": READ,
    "hostname": READ,
    "image": READ,
    "init": READ,
    "ipc": READ,
    "isolation": _left("it is Windows' own"),
    "label_file": _LABELS,
    "labels": _LABELS,
    "links": READ,
    "logging": _left(
        "logs are kept on this machine and bounded", "read them with `orchestr8 logs`"
    ),
    "mac_address": _left("interfaces are orchestr8's own"),
    "mem_limit": READ,
    "mem_reservation": READ,
    "mem_swappiness": _same("boxes never swap"),
    "memswap_limit": _same("boxes never swap"),
    "models": _left("no models are served", "run the model's server as a service, and `connects`"),
    "network_mode": READ,
    "networks": READ,
    "oom_kill_disable": _left("a box that has used its memory is ended", _DECLARED),
    "oom_score_adj": _left("it is set by the profile", "`limits: {memory: {guarantee: 128MiB}}`"),
    "pid": READ,
    "pids_limit": READ,
    "platform": _left("images are taken for this machine's architecture"),
    "ports": READ,
    "post_start": _HOOK,
    "pre_stop": _left("nothing is run beside the program", "`stop: {signal: …, grace: …}`"),
    "privileged": READ,
    "profiles": READ,
    "provider": _left("nothing outside is provisioned"),
    "pull_policy": _same("a tag is resolved once and recorded; `--pull` asks anew"),
    "pull_refresh_after": _left("a tag is resolved once and recorded", "`orchestr8 apply --pull`"),
    "read_only": READ,
    "restart": READ,
    "runtime": _left("the engine's own runtime starts every box"),
    "scale": READ,
    "secrets": READ,
    "security_opt": READ,
    "shm_size": READ,
    "stdin_open": _left("a box has no input", "`orchestr8 exec SERVICE sh`"),
    "stop_grace_period": READ,
    "stop_signal": READ,
    "storage_opt": _left("the root of a box is read-only", "`volumes` and `scratch`"),
    "sysctls": _left("kernel settings are the profile's; ports below 1024 are open to every box"),
    "tmpfs": READ,
    "tty": _left("a box has no terminal", "`orchestr8 exec SERVICE sh`"),
    "ulimits": _left("resource limits are the profile's", "`limits: {pids: 256}` for processes"),
    "use_api_socket": _left("nothing in a box speaks to the engine"),
    "user": READ,
    "userns_mode": READ,
    "uts": READ,
    "volumes": READ,
    "volumes_from": _left(
        "a box takes no other's mounts", "name the volume in both, and the second under `share`"
    ),
    "working_dir": READ,
}

PARTS: AnyMapping[str, AnyMapping[str, Answer]] = {
    "services": SERVICE,
    "networks": NETWORK,
    "volumes": VOLUME,
    "secrets": SECRET,
    "configs": CONFIG,
}


def answer_all(root: Mapping, services: AnyMapping[str, Mapping], findings: Findings) -> None:
    """A finding for every key that no module reads; of services for those that are wanted."""
    _answer(root, "", TOP, findings)
    for part, table in PARTS.items():
        held = root.get(part)
        for name, entry in held.entries.items() if isinstance(held, Mapping) else ():
            value = services.get(name) if part == "services" else entry.value
            if isinstance(value, Mapping):
                _answer(value, f"{part}.{name}", table, findings)


def _answer(
    value: Mapping, path: str, table: AnyMapping[str, Answer], findings: Findings, below: str = ""
) -> None:
    for key, entry in value.entries.items():
        if key.startswith("x-"):
            continue  # for other programs, by the specification
        named = f"{path}.{key}" if path else key
        known = f"{below}.{key}" if below else key
        answer = table.get(known)
        if answer is None:
            what = f'the Compose specification has no key "{shortened(key)}" here'
            findings.left(entry.place, named, what, "look at its spelling")
        elif answer.kind is None:
            has_parts = any(other.startswith(f"{known}.") for other in table)
            if has_parts and isinstance(entry.value, Mapping):
                _answer(entry.value, path=named, table=table, findings=findings, below=known)
        elif answer.kind is Kind.LEFT and text(entry.value) == "false":
            continue  # asks for what is not there to be not there
        elif not _says_nothing(entry):
            findings.note(Finding(answer.kind, entry.place, named, answer.what, answer.nearest))


def _says_nothing(entry: Entry) -> bool:
    """A key that is there and asks for nothing: null, or nothing in it."""
    value: Value = entry.value
    match value:
        case Scalar():
            return value.is_null or text(value) == ""
        case Sequence():
            return not value.items
        case Mapping():
            return not value.entries
