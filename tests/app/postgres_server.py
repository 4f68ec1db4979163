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
from pathlib import Path

TEMPLATE = "migrated"


def programs() -> Path:
    """Where PostgreSQL's server programs lie: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not places:
        raise SystemExit("No PostgreSQL server found: install postgresql, or put its initdb on the path.")
    return places[-1].parent


def main() -> int:
    """Start, run, stop; the command's exit code."""
    binaries = programs()
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if as_postgres:
            shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
        data = folder / "data"
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder}
        owner = "postgres"
        subprocess.run(
            [*as_postgres, binaries / "initdb", "-D", data, "-U", owner, "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            **quiet,
        )
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c full_page_writes=off"
        start = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"]
        subprocess.run([*as_postgres, *start], check=True, **quiet)
        try:
            address = f"postgresql://{owner}@{str(folder).replace('/', '%2F')}"
            subprocess.run([binaries / "createdb", "-h", folder, "-U", owner, TEMPLATE], check=True, cwd=folder)
            environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "openasm.app.settings"}
            migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, env={**environment, "OPENASM_DATABASE": f"{address}/{TEMPLATE}"}, check=True)
            given = {"OPENASM_DATABASE": f"{address}/postgres", "OPENASM_TEST_TEMPLATE": TEMPLATE}
            return subprocess.run(sys.argv[1:], env={**os.environ, **given}, check=False).returncode
        finally:
            stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run([*as_postgres, *stop], check=False, **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
