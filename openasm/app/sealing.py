"""Identifiers of patients at rest: sealed with AES-256-GCM, and a keyed pseudonym (HMAC-SHA-256) to find and join them.

What this is worth: a stolen database file or backup shows no identifier without the key. It does not protect against somebody who
has the data folder with its key, nor against the running program. Keep the key apart (`OPENASM_KEY`) and the disk encrypted.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from openasm.base.errors import OpenAsmError
from openasm.base.identity import pseudonym

_VERSION = b"\x01"
_NONCE = 12


class SealBroken(OpenAsmError):
    """A sealed value does not open: another key, or somebody changed it."""


def seal(text: str, *, purpose: str) -> bytes:
    """Seal a text for one purpose (a column); the same text gives other bytes each time."""
    return seal_bytes(text.encode(), purpose=purpose)


def seal_bytes(content: bytes, *, purpose: str) -> bytes:
    """`seal` for the content of a file."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _cipher().encrypt(nonce, content, purpose.encode())


def sealer(purpose: str) -> Callable[[str], bytes]:
    """`seal` for many texts of one purpose."""
    cipher, about = _cipher(), purpose.encode()

    def sealed(text: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + cipher.encrypt(nonce, text.encode(), about)

    return sealed


def unseal(sealed: bytes | memoryview, *, purpose: str) -> str:
    """The text of a sealed value; SealBroken when it was made with another key, for another purpose, or changed."""
    return unseal_bytes(sealed, purpose=purpose).decode()


def unseal_bytes(sealed: bytes | memoryview, *, purpose: str) -> bytes:
    """`unseal` for the content of a file."""
    raw = bytes(sealed)
    if raw[:1] != _VERSION:
        raise SealBroken("A sealed value has an unknown form.")
    try:
        return _cipher().decrypt(raw[1 : 1 + _NONCE], raw[1 + _NONCE :], purpose.encode())
    except InvalidTag:
        raise SealBroken("A sealed value does not open: it was changed, or the key is another one.") from None


def patient_key(identifier: str) -> str:
    """The pseudonym under which a patient is known in addresses, events and joins (32 hexadecimal digits)."""
    return pseudonym(_pseudonym_key(), identifier)


def audit_key() -> bytes:
    """The key of the audit's chain: without it no event can be made to fit."""
    return settings.CONFIGURATION.derived_key("audit chain")


@functools.cache
def _cipher() -> AESGCM:
    return AESGCM(settings.CONFIGURATION.derived_key("sealing"))


@functools.cache
def _pseudonym_key() -> bytes:
    return settings.CONFIGURATION.derived_key("patient pseudonyms")
