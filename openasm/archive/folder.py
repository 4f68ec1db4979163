"""A run folder appears under its name when it is whole, or not at all.

Everything is written into a hidden folder beside the target (`.NAME.partial-...`) and renamed at the end. A process that is
killed leaves at most such a hidden folder, never a half run under the run's name; the next run with the same target removes
it. Only one process at a time holds a partial folder (a lock on the folder itself), so a running neighbour is not disturbed.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from openasm.base.errors import WrongUsage
from openasm.base.held_folders import hold, release, remove_unheld

MANIFEST = "manifest.json"
FORMAT = "openasm-run"
FORMAT_VERSION = 1


def is_run(path: Path) -> bool:
    """Whether a folder is a run this program wrote (its manifest says so).

    >>> is_run(Path("no-such-folder"))
    False
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def check_target(target: Path, *, replace: bool) -> None:
    """Raise WrongUsage when a run may not be written at `target`.

    Free: a name that does not exist, or an empty folder. An earlier run is only replaced when asked; anything else is
    never touched.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise WrongUsage(f"{target.name} exists and is not a folder; give another name with --out.")
    if not target.exists() or not any(target.iterdir()):
        return
    if not is_run(target):
        raise WrongUsage(f"The folder {target.name} holds other files and no run; give another name with --out.")
    if not replace:
        raise WrongUsage(
            f"The folder {target.name} already holds a run; give another name with --out, or --replace to replace it."
        )


@contextmanager
def new_run(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill; rename it to `target` when the block ends well, remove it when it does not.

    Raises WrongUsage when the target may not be written (see `check_target`), before and again after the work.
    """
    target = target.absolute()
    if target.parent.is_dir():
        _remove_stale(target)
    check_target(target, replace=replace)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise WrongUsage(f"{target.parent.name} is not a folder, so nothing can be written in it.") from None
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    held = hold(partial)
    try:
        yield partial
        partial.chmod(0o777 & ~_umask())
        _to_disk(partial)
        check_target(target, replace=replace)
        _take_place(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        release(held)


def _take_place(partial: Path, target: Path) -> None:
    if not target.exists() or not any(target.iterdir()):
        os.replace(partial, target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.replaced-", dir=target.parent))
    os.replace(target, aside)
    try:
        os.replace(partial, target)
    except BaseException:
        os.replace(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _to_disk(folder: Path) -> None:
    """Ask the system to store the folders' entries before the rename makes them visible (files do so themselves)."""
    for path in [folder, *(each for each in folder.rglob("*") if each.is_dir())]:
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _remove_stale(target: Path) -> None:
    """Remove what killed runs of the same target left; a folder that a live process holds stays.

    A replaced run that was set aside when the process died comes back if nothing took its place.
    """
    name = glob.escape(target.name)
    for aside in sorted(target.parent.glob(f".{name}.replaced-*")):
        if is_run(aside) and not target.exists():
            os.replace(aside, target)
        else:
            shutil.rmtree(aside, ignore_errors=True)
    remove_unheld(target.parent, f".{name}.partial-*")
