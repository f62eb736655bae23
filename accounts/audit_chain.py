"""The hash chain over audit events: pure, versioned, verifiable years later.

The hash of an event covers its format version, the hash before it, its firm, its number and the
canonical text of what happened.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

FORMAT_VERSION = 1
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """One event as the verifier sees it; ``payload`` is canonical text."""

    firm: int
    sequence: int
    format_version: int
    payload: str
    previous_hash: str
    hash: str


def link_hash(*, version: int, previous_hash: str, firm: int, sequence: int, payload: str) -> str:
    """Hexadecimal SHA-256 of one link. Raises ValueError for a format version that this code does not know."""
    if version != FORMAT_VERSION:
        raise ValueError(f"audit format version {version} is unknown")
    text = f"{version}|{previous_hash}|{firm}|{sequence}|{payload}"
    return hashlib.sha256(text.encode()).hexdigest()


def first_fault(links: Iterable[Link]) -> str | None:
    """What is wrong with the first broken link of one firm's chain, in words; None = the chain holds."""
    previous, expected = GENESIS, 1
    for link in links:
        if link.sequence != expected:
            return f"event {expected} is missing: the next one found is number {link.sequence}"
        if link.previous_hash != previous:
            return f"event {link.sequence} does not continue the one before it"
        computed = link_hash(
            version=link.format_version,
            previous_hash=link.previous_hash,
            firm=link.firm,
            sequence=link.sequence,
            payload=link.payload,
        )
        if computed != link.hash:
            return f"event {link.sequence} was changed after it was written"
        previous, expected = link.hash, expected + 1
    return None
