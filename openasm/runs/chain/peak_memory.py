"""The largest resident memory of this process since a moment, where the system tells (Linux); processes it started are not in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self")


def forget_peak_memory() -> None:
    """Begin to measure anew; does nothing where the system cannot."""
    with suppress(OSError):
        (_OWN / "clear_refs").write_text("5")


def peak_memory_mb() -> int | None:
    """Largest resident memory since then, in units of 2**20 bytes; None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        for line in (_OWN / "status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return None
