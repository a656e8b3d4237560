"""What no engine makes a box of, whatever was declared: an image is untrusted input."""

from __future__ import annotations

import re

from orchestr8.boxes.desired import Box
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.storage import covered
from orchestr8.errors import RejectedError

LABEL_PREFIX = "orchestr8."
_WORKDIR_REFUSED = re.compile(r"[^/]|/*(proc|sys|dev)(/|$)|(.*/)?\.{1,2}(/|$)", re.DOTALL)
"""Through /proc/self/fd a working folder led out of boxes (CVE-2024-21626)."""


def refuse_image(box: Box, image: ImageFacts) -> None:
    """Raises RejectedError for labels that are ours, volumes without a place, a working folder
    that is not the image's, and no program."""
    for key, _ in image.labels:
        if key.startswith(LABEL_PREFIX):
            raise RejectedError(
                f"the image {image.reference} defines the label {key}, a prefix that is ours",
                "build the image without that label",
            )
    for path in image.volumes:
        if path.rstrip("/") not in covered(box):
            raise RejectedError(
                f"the image {image.reference} wants a volume at {path}, and the box has none there",
                f"give {path} a scratch or a volume",
            )
    if _WORKDIR_REFUSED.match(box.spec.workdir):
        raise RejectedError(
            f"the image {image.reference} is to start in {box.spec.workdir}, which is no folder "
            "of its own",
            "write workdir: with one",
        )
    if not box.spec.entrypoint and not box.spec.args:
        raise RejectedError(
            f"the image {image.reference} says no program to run",
            "write entrypoint or args",
        )
