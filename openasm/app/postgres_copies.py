"""A PostgreSQL database as one file and back, by PostgreSQL's own programs: one consistent state, also while people work."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openasm.base.errors import WrongUsage

# Where installations keep the programs when they are not on the path; the newest fits any older server.
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/libpq/bin", "/usr/local/opt/libpq/bin")
_TABLES = (
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')"
)


def dump(database: Mapping[str, object], target: Path) -> None:
    """Write a database into a file (pg_dump's own form). database: as Django describes one. WrongUsage says what failed."""
    _run("pg_dump", database, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    target.chmod(0o600)


def load(source: Path, database: Mapping[str, object]) -> None:
    """Put a file of `dump` into an empty database, whole or not at all."""
    name = str(database["NAME"])
    whole = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    _run("pg_restore", database, *whole, f"--dbname={name}", str(source))


def require_empty(database: Mapping[str, object]) -> None:
    """WrongUsage when the database does not answer, or holds a table."""
    if importlib.util.find_spec("psycopg") is None:
        raise WrongUsage("PostgreSQL needs psycopg: pip install 'openasm[app,postgres]'.")
    psycopg: Any = importlib.import_module("psycopg")  # an extra, and untyped where it is not there
    known = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    try:
        with psycopg.connect(**{key: str(database[name]) for key, name in known.items() if database[name]}) as opened:
            found = opened.execute(_TABLES).fetchone()
    except psycopg.OperationalError:
        raise WrongUsage("The database of OPENASM_DATABASE does not answer, or does not let this account in.") from None
    if found is None or found[0]:
        raise WrongUsage("The database of OPENASM_DATABASE is not empty; restore into a new one, made with createdb.")


def program(name: str) -> Path:
    """Where one of PostgreSQL's programs is: on the path, or where systems keep it; WrongUsage when nowhere."""
    found = shutil.which(name)
    if found:
        return Path(found)
    beside = [path / name for place in _PLACES for path in sorted(Path("/").glob(place[1:])) if (path / name).is_file()]
    if not beside:
        raise WrongUsage(f"{name} was not found: install PostgreSQL's client programs, or put them on the path.")
    return beside[-1]


def _run(name: str, database: Mapping[str, object], *words: str) -> None:
    """Run a program with the database in its environment, where no other account of the machine reads the password."""
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    settings = {variable: str(database[key]) for variable, key in named.items() if database[key]}
    command = [str(program(name)), "--no-password", *words]
    done = subprocess.run(  # noqa: S603 (a program of PostgreSQL, words of ours)
        command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        # Its first line names the failure; those below can quote rows.
        said = next((line for line in done.stderr.splitlines() if line.startswith(f"{name}: error:")), f"{name} failed")
        raise WrongUsage(f"Nothing was kept: {said[:300]}")
