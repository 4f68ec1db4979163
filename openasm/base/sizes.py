"""Sizes of memory as people write them."""

from __future__ import annotations

import re

from openasm.base.errors import WrongUsage


def size_in_bytes(text: str, *, option: str = "--memory-limit") -> int:
    """Bytes of a size such as `8GB`; WrongUsage, naming the option, for anything else.

    A MB is 2**20 bytes, a GB 2**30, however they are written.

    >>> size_in_bytes("512MB"), size_in_bytes("8 GB")
    (536870912, 8589934592)
    """
    match = re.fullmatch(r"(\d{1,6})\s*(MB|GB|MiB|GiB)", text.strip(), re.IGNORECASE)
    if match is None:
        raise WrongUsage(f"{option} is a number and MB or GB, as in 8GB.")
    return int(match[1]) * (1024**3 if match[2].upper().startswith("G") else 1024**2)
