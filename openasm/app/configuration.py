"""Where the workbench's data and keys lie: a data folder and a few environment variables, checked before anything starts.

| variable | what |
|---|---|
| `OPENASM_DATA` | the data folder: database, keys, copies of published runs; `openasm serve --data` sets it |
| `OPENASM_DATABASE` | `postgresql://user:password@host:port/name`; without it SQLite in the data folder |
| `OPENASM_KEY` | the master key (64 hexadecimal digits), to keep it apart from the data; else `keys/master.key` |
| `OPENASM_HOSTS` | host names the workbench answers to, separated by commas; `127.0.0.1` and `localhost` always |
| `OPENASM_TLS` | `yes` when a proxy with TLS stands before it: secure cookies, HSTS, redirect |
| `OPENASM_PROXY` | address of that proxy, whose headers are believed; `127.0.0.1` unless said otherwise |
| `OPENASM_MAIL` | `smtp://user:password@host:port` (`smtps://` for TLS from the start); without it mails are files in the data folder |
| `OPENASM_MAIL_FROM` | sender of mails |
| `OPENASM_TIME_ZONE` | whose day "today" is, and whose clock pages show, as in `America/New_York`; else the machine's, else UTC |
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from openasm.base.errors import WrongUsage

KEY_BYTES = 32
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Configuration:
    """A checked configuration. data: the data folder, None for a throw-away one in memory (checks and tests)."""

    data: Path | None
    database_url: str
    hosts: tuple[str, ...]
    tls: bool
    proxy: str
    mail_url: str
    mail_from: str
    time_zone: str
    _given_key: str = field(repr=False)

    @cached_property
    def master_key(self) -> bytes:
        """The secret everything else is derived from; made on first use, readable by its owner alone."""
        if self._given_key:
            return bytes.fromhex(self._given_key)
        if self.data is None:
            return secrets.token_bytes(KEY_BYTES)
        return _kept_key(self.data / "keys" / "master.key")

    def derived_key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose; the keys of two purposes say nothing about each other (HMAC-SHA-256)."""
        return hmac.new(self.master_key, f"openasm workbench: {purpose}".encode(), hashlib.sha256).digest()

    def database(self) -> dict[str, object]:
        """Django's description of the database."""
        if self.database_url:
            return _postgresql(urlsplit(self.database_url))
        name = ":memory:" if self.data is None else str(self.data / "workbench.sqlite3")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "CONN_MAX_AGE": 60,  # opening the file for each request takes as long as several queries
            "OPTIONS": {
                "timeout": 30,  # seconds a writer waits for another one
                "transaction_mode": "IMMEDIATE",  # a transaction that will write queues at its start, not half-way
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
                    "PRAGMA cache_size=-32000; PRAGMA mmap_size=268435456; PRAGMA secure_delete=ON;"
                ),
            },
        }

    def postgres(self) -> dict[str, object] | None:
        """The database where it is PostgreSQL's; None for SQLite."""
        return self.database() if self.database_url else None

    def mail(self) -> dict[str, object]:
        """Django's mail settings by their names."""
        if not self.mail_url:
            folder = None if self.data is None else self.data / "mail"
            backend = "locmem" if folder is None else "filebased"
            return {
                "EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend",
                "EMAIL_FILE_PATH": None if folder is None else str(folder),
            }
        parts = urlsplit(self.mail_url)
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname or "",
            "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_SSL": parts.scheme == "smtps",
            "EMAIL_USE_TLS": parts.scheme == "smtp",
            "EMAIL_TIMEOUT": 20,
        }


def configuration_from(environment: Mapping[str, str]) -> Configuration:
    """Read and check the environment; WrongUsage names the variable that is wrong and what it should hold."""
    data = environment.get("OPENASM_DATA", "").strip()
    database_url = environment.get("OPENASM_DATABASE", "").strip()
    if database_url and urlsplit(database_url).scheme not in ("postgresql", "postgres"):
        raise WrongUsage(
            "OPENASM_DATABASE must be postgresql://user:password@host:port/name, or be left out for SQLite."
        )
    key = environment.get("OPENASM_KEY", "").strip()
    if key and not _HEX_KEY.fullmatch(key):
        raise WrongUsage("OPENASM_KEY must be 64 hexadecimal digits, for example from: openssl rand -hex 32")
    tls = environment.get("OPENASM_TLS", "no").strip().lower()
    if tls not in ("yes", "no"):
        raise WrongUsage("OPENASM_TLS must be yes or no.")
    mail_url = environment.get("OPENASM_MAIL", "").strip()
    if mail_url and urlsplit(mail_url).scheme not in ("smtp", "smtps"):
        raise WrongUsage("OPENASM_MAIL must be smtp://user:password@host:port or smtps://...")
    hosts = [each.strip() for each in environment.get("OPENASM_HOSTS", "").split(",") if each.strip()]
    if any("*" in host for host in hosts):
        raise WrongUsage("OPENASM_HOSTS must name each host; a star would let any site point at the workbench.")
    return Configuration(
        data=Path(data).absolute() if data else None,
        database_url=database_url,
        hosts=("127.0.0.1", "localhost", "[::1]", *hosts),
        tls=tls == "yes",
        proxy=environment.get("OPENASM_PROXY", "").strip() or "127.0.0.1",
        mail_url=mail_url,
        mail_from=environment.get("OPENASM_MAIL_FROM", "").strip() or "openasm@localhost",
        time_zone=_time_zone(environment, throw_away=not data),
        _given_key=key,
    )


def _time_zone(environment: Mapping[str, str], *, throw_away: bool) -> str:
    """The zone that is said, else the machine's where it can be told, else UTC, which checks and tests always have."""
    said = environment.get("OPENASM_TIME_ZONE", "").strip()
    if said and not _is_zone(said):
        raise WrongUsage("OPENASM_TIME_ZONE must name a zone of the IANA list, as in America/New_York or UTC.")
    return said or ("UTC" if throw_away else machine_time_zone(environment))


def machine_time_zone(environment: Mapping[str, str], settings: Path = Path("/etc")) -> str:
    """The zone's name from `TZ`, or from where the machine keeps it (Linux, macOS); UTC where neither says."""
    link = str((settings / "localtime").resolve())
    written = settings / "timezone"
    found = (
        environment.get("TZ", "").strip().removeprefix(":"),
        link.partition("/zoneinfo/")[2],
        written.read_text(encoding="utf-8", errors="replace").strip() if written.is_file() else "",
    )
    return next((name for name in found if name and _is_zone(name)), "UTC")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a name, a folder of names, not in the list
        return False
    return True


def _kept_key(path: Path) -> bytes:
    """The key in a file, made when missing; two processes starting at once end with the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(KEY_BYTES) + "\n")
    text = path.read_text(encoding="ascii").strip()
    if not _HEX_KEY.fullmatch(text):
        raise WrongUsage("keys/master.key in the data folder is damaged; put back the copy kept with the backups.")
    return bytes.fromhex(text)


def _postgresql(parts: SplitResult) -> dict[str, object]:
    if not parts.path.strip("/"):
        raise WrongUsage("OPENASM_DATABASE names no database; expected postgresql://user:password@host:port/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.strip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
