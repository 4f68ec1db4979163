"""Files and folders that an engine writes by name and that appear only when they are whole."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from openasm.base.held_folders import hold, release, remove_unheld


@contextmanager
def temporary_beside(path: Path, *, private: bool = True) -> Iterator[Path]:
    """A name beside `path` to write to; moved to `path` when the block ends well, removed when it does not.

    private: readable by its owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o600 if private else 0o644)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


@contextmanager
def whole_folder(folder: Path, *, private: bool = True) -> Iterator[Path]:
    """A folder beside `folder` to fill; takes its place when the block ends well, removed when it does not.

    A folder that was there is replaced in two renames, so that one of the two is always whole. What a killed process left
    of the same folder is removed first; if it was killed between the two renames, the folder that was there comes back.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    held = hold(temporary)
    try:
        os.chmod(temporary, 0o700 if private else 0o755)
        yield temporary
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
            os.replace(folder, old / folder.name)
            os.replace(temporary, folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        release(held)


def _remove_leftovers(folder: Path) -> None:
    name = glob.escape(folder.name)
    for aside in sorted(folder.parent.glob(f".{name}.*.old")):
        earlier = aside / folder.name
        if earlier.is_dir() and not folder.exists():
            os.replace(earlier, folder)
        shutil.rmtree(aside, ignore_errors=True)
    remove_unheld(folder.parent, f".{name}.*.tmp")
