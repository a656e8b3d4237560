"""A whole file of the language, for what explains it: messages, `explain`, the JSON Schema.

Files are read part by part, so that one flaw hides no other; nothing is read by this class.
"""

from typing import Annotated

from pydantic import BeforeValidator

from orchestr8.manifest.blocks import Block, told
from orchestr8.manifest.nodes import KEYS_MAX
from orchestr8.manifest.platform import PlatformBlock
from orchestr8.manifest.reads import empty_is_mapping
from orchestr8.manifest.schema import (
    Header,
    SecretBlock,
    ServiceBlock,
    ServiceDefaults,
    VolumeBlock,
)
from orchestr8.manifest.types import Name, ServiceKey

Volumes = dict[Name, Annotated[VolumeBlock, BeforeValidator(empty_is_mapping)]]
Secrets = dict[Name, Annotated[SecretBlock, BeforeValidator(empty_is_mapping)]]


class Manifest(Header):
    """A manifest: what one owner declares in one file, or the platform's part."""

    defaults: ServiceDefaults | None = told(
        "what every service of this file gets: maps merge, scalars and lists are replaced by the "
        "service's own; not for image, run, publish, edge, relax",
        "{stop: {grace: 30s}}",
        "nothing",
        None,
    )
    services: dict[ServiceKey, ServiceBlock] = told(
        "services by name", '{hello: {image: "hello:1"}}', "none", {}, max_length=KEYS_MAX
    )
    volumes: Volumes = told(
        "volumes by name",
        "{ledger: {share: {report.bi: ro}}}",
        "none",
        {},
        max_length=KEYS_MAX,
    )
    secrets: Secrets = told(
        "secrets by name",
        "{db-password: {file: db-password}}",
        "none",
        {},
        max_length=KEYS_MAX,
    )
    platform: PlatformBlock | None = told(
        "what only the platform may write: owners, quotas, policy, waivers",
        "{mode: team, owners: {payments: {members: [group:payments]}}}",
        "none",
        None,
    )


ROOTS: dict[str, type[Block]] = {
    "manifest": Manifest,
    "defaults": ServiceDefaults,
    "service": ServiceBlock,
    "volume": VolumeBlock,
    "secret": SecretBlock,
    "platform": PlatformBlock,
}
"""The blocks by the name that `explain` gives them."""
