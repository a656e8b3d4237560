"""All claims, in the order in which they are printed.

A new relaxation brings a claim here: each name in its `changes` stands among the dimensions of one.
"""

from __future__ import annotations

from orchestr8.proof.across import ACROSS_CLAIMS
from orchestr8.proof.claim import AcrossClaim, Claim
from orchestr8.proof.filters import FILTER_CLAIMS
from orchestr8.proof.namespaces import NAMESPACE_CLAIMS
from orchestr8.proof.network import NETWORK_ACROSS, NETWORK_CLAIMS
from orchestr8.proof.privileges import PRIVILEGE_CLAIMS
from orchestr8.proof.processes import PROCESS_CLAIMS
from orchestr8.proof.resources import RESOURCE_CLAIMS
from orchestr8.proof.storage import STORAGE_CLAIMS
from orchestr8.proof.surface import SURFACE_CLAIMS

CLAIMS: tuple[Claim | AcrossClaim, ...] = (
    *PRIVILEGE_CLAIMS,
    *FILTER_CLAIMS,
    *NAMESPACE_CLAIMS,
    *PROCESS_CLAIMS,
    *STORAGE_CLAIMS,
    *SURFACE_CLAIMS,
    *NETWORK_ACROSS,
    *NETWORK_CLAIMS,
    *RESOURCE_CLAIMS,
    *ACROSS_CLAIMS,
)
