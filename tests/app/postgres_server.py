"""Runs a command with a private PostgreSQL server in a temporary folder, and stops it: `python -m tests.app.postgres_server pytest ...`

The server listens on a socket in that folder alone. As root it runs under the account `postgres`, which PostgreSQL insists on. All
migrations run once, in a database that every worker of the tests copies (see `django_db_modify_db_settings` in conftest.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER, TEMPLATE = "postgres", "migrated"


def programs() -> Path:
    """Where PostgreSQL's server programs lie: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent  # beside the other programs, not where a link to it lies
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not places:
        raise SystemExit("No PostgreSQL server found: install postgresql, or put its initdb on the path.")
    return places[-1].parent


@contextmanager
def started(*, durable: bool = False) -> Iterator[str]:
    """A server in a temporary folder: the beginning of its addresses, to which a database's name is added.

    durable: writes as a server in use does; without it what is written need not outlive the machine.
    """
    binaries = programs()
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if as_postgres:
            shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
        data = folder / "data"
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder}
        subprocess.run(
            [*as_postgres, binaries / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            **quiet,
        )
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
        options += (
            " -c shared_buffers=512MB -c max_wal_size=4GB" if durable else " -c fsync=off -c full_page_writes=off"
        )
        start = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"]
        subprocess.run([*as_postgres, *start], check=True, **quiet)
        try:
            yield f"postgresql://{OWNER}@{str(folder).replace('/', '%2F')}"
        finally:
            stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run([*as_postgres, *stop], check=False, **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Start, run, stop; the command's exit code."""
    with started() as address:
        folder = address.partition("@")[2].replace("%2F", "/")
        subprocess.run([programs() / "createdb", "-h", folder, "-U", OWNER, TEMPLATE], check=True, cwd=folder)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "openasm.app.settings"}
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env={**environment, "OPENASM_DATABASE": f"{address}/{TEMPLATE}"}, check=True)
        given = {"OPENASM_DATABASE": f"{address}/postgres", "OPENASM_TEST_TEMPLATE": TEMPLATE}
        return subprocess.run(sys.argv[1:], env={**os.environ, **given}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
