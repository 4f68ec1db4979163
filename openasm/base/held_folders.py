"""Unfinished folders: held while a process fills them, removed by the next one when their process was killed.

    handle = hold(folder)          # keep it until the folder is done with, then release(handle)
    remove_unheld(parent, ".run.partial-*")

A lock on the folder itself says that its process lives; the system lets go of it when the process ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def hold(folder: Path) -> int | None:
    """An open, locked handle of a folder; None where somebody else holds it or the system cannot lock folders."""
    try:
        import fcntl
    except ImportError:  # a system without folder locks: unfinished folders are then never removed by others
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def release(handle: int | None) -> None:
    """Let go of a folder."""
    if handle is not None:
        os.close(handle)


def remove_unheld(parent: Path, pattern: str, *, changed_before: float | None = None) -> None:
    """Remove the folders of `parent` that match a glob pattern and that no living process holds.

    changed_before: spare folders changed at or after this moment (seconds, as in `st_mtime`). Folders of other accounts stay.
    """
    for folder in parent.glob(pattern):
        try:
            status = folder.lstat()
            if folder.is_symlink() or not folder.is_dir() or status.st_uid != os.getuid():
                continue
            if changed_before is not None and status.st_mtime >= changed_before:
                continue
            handle = hold(folder)
        except OSError:  # somebody else removed it meanwhile
            continue
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            release(handle)
