"""How passwords are hashed and what else is asked of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

LONGEST = 128


class StrongArgon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane (the minimum OWASP names for servers with several users at once)."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1


class NotTooLong:
    """Refuses passwords so long that hashing them would be a way to keep the server busy."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError past 128 characters."""
        del user
        if len(password) > LONGEST:
            raise ValidationError(f"A password has at most {LONGEST} characters.", code="password_too_long")

    def get_help_text(self) -> str:
        """The rule in words."""
        return f"At most {LONGEST} characters; a sentence is a good password."
