"""How long the lines of a file are, found out without holding them."""

from __future__ import annotations

from pathlib import Path

_BLOCK = 1024 * 1024


def longest_line(path: Path, *, enough: int) -> int:
    """Bytes of the longest line, its end not counted; the reading stops, and so may the count, beyond `enough`.

    A file of one line of gigabytes is thus known for what it is in a block or two.
    """
    longest = running = 0
    with path.open("rb") as stream:
        while longest <= enough and (block := stream.read(_BLOCK)):
            first, *others = block.split(b"\n")
            running += len(first)
            if others:
                longest = max(longest, running, *map(len, others[:-1]))
                running = len(others[-1])
            longest = max(longest, running)
    return longest
