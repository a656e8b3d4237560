"""House rules as tests: what must be complete, what must stay small, what docs may claim.

Each rule takes a text and yields complaints, and is tried against a small bad sample too.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
