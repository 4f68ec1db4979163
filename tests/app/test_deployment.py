"""The settings as a server has them: Django's own checks for deployment, and what browsers may keep."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.test import Client

import openasm.app

ROOM = Path(openasm.app.__file__).parent
STORES = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b|serviceWorker")


def test_djangos_checks_for_deployment_find_nothing(tmp_path: Path) -> None:
    """With the settings behind a proxy with TLS; the one check that is silenced stands with its reason in settings.py."""
    production = {"OPENASM_DATA": str(tmp_path), "OPENASM_TLS": "yes", "OPENASM_HOSTS": "asm.example.org"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    command = [
        sys.executable,
        "-W",
        "error::RuntimeWarning",
        "-m",
        "django",
        "check",
        "--deploy",
        "--fail-level",
        "INFO",
    ]
    done = subprocess.run(
        command,
        env={**kept, **production, "DJANGO_SETTINGS_MODULE": "openasm.app.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (1 silenced)" in done.stdout


def test_nothing_is_kept_in_the_browsers_own_storage() -> None:
    ours = [path for pattern in ("*.js", "*.html") for path in ROOM.rglob(pattern)]
    assert len(ours) > 50
    assert [path.name for path in ours if STORES.search(path.read_text(encoding="utf-8"))] == []
    page = Client().get("/account/sign-in/")
    assert '"historyCacheSize":0' in page.content.decode(), "htmx keeps pages of its own accord"
