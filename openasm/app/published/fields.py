"""Database fields of their own: text that is sealed at rest, and identifiers that the loader gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from openasm.app.sealing import seal, unseal

if TYPE_CHECKING:
    _Base = models.BinaryField[str | None, str | None]
    _Number = models.BigIntegerField[int, int]
else:
    _Base = models.BinaryField
    _Number = models.BigIntegerField


class RowNumberField(_Number):
    """The primary key of a table whose rows are numbered before they are stored.

    On SQLite the number is the row's own place in the table. A `bigint` key would be a second index beside it: for a table of millions a
    third more to write, and SQLite could not take it over as it stands (see bulk.py).
    """

    def db_type(self, connection: Any) -> str:
        """`integer` on SQLite, else `bigint`."""
        return "integer" if connection.vendor == "sqlite" else str(super().db_type(connection))

    def rel_db_type(self, connection: Any) -> str:
        """What refers to it is a `bigint` everywhere."""
        return str(super().db_type(connection))


class SealedTextField(_Base):
    """Text kept as AES-256-GCM with the field's own name as its purpose: a value moved to another column does not open.

    It cannot be searched or sorted in the database; keep a pseudonym beside it for that.
    """

    @property
    def purpose(self) -> str:
        """What values of this field are sealed for: `table.column`."""
        return f"{self.model._meta.db_table}.{self.column}"

    def get_prep_value(self, value: Any) -> bytes | None:
        """Sealed bytes; bytes that are sealed already pass."""
        if value is None or isinstance(value, bytes | memoryview):
            return None if value is None else bytes(value)
        return seal(str(value), purpose=self.purpose)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """The same as the database driver wants it."""
        sealed = value if prepared else self.get_prep_value(value)
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, expression: object, connection: object) -> str | None:
        """The text again; SealBroken when it does not open."""
        del expression, connection
        return None if value is None else unseal(value, purpose=self.purpose)

    def value_to_string(self, obj: models.Model) -> str:
        """Sealed bytes as hexadecimal digits, so that a dump of the database shows no text."""
        value = self.value_from_object(obj)
        return "" if value is None else seal(str(value), purpose=self.purpose).hex()
