"""Which value sets a code belongs to, answered with one look-up.

A `Terminology` gives every value set and every single code that some measures name one bit. A code's mask is the union of the bits of
all sets it is in; facts carry masks, measures test them. Two terminologies number their sets differently: facts made with one
mean nothing to measures bound to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openasm.base.errors import NotFound

# Other names under which records and value-set files write the code systems of the measures (HL7 Terminology registry; the
# object identifiers are those of HL7's OID registry).
CODE_SYSTEM_ALIASES: Mapping[str, str] = {
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:oid:2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.4": "http://www.cms.gov/Medicare/Coding/ICD10",
    "urn:oid:2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "urn:oid:2.16.840.1.113883.6.285": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "urn:oid:2.16.840.1.113883.6.13": "http://www.ada.org/cdt",
    "urn:oid:2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "urn:oid:2.16.840.1.113883.6.238": "urn:oid:2.16.840.1.113883.6.238",
    "urn:oid:2.16.840.1.113883.5.4": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://hl7.org/fhir/v3/ActCode": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
}


def code_system(name: str) -> str:
    """The FHIR address of a code system, from any name it goes by: an address, `urn:oid:...` or a bare object identifier.

    >>> code_system("2.16.840.1.113883.6.96")
    'http://snomed.info/sct'
    """
    if name[:1].isdigit():
        name = f"urn:oid:{name}"
    return CODE_SYSTEM_ALIASES.get(name, name)


class Terminology:
    """Bits of value sets and single codes by name, and masks of codes by system and code.

    systems: code system -> code -> mask; readers look codes up here directly.

    >>> terms = Terminology({"Fruit": {("urn:x", "apple"), ("urn:x", "pear")}}, {"pear": ("urn:x", "pear")})
    >>> terms.mask("urn:x", "pear") == terms["Fruit"] | terms["pear"]
    True
    """

    __slots__ = ("_bits", "systems")

    def __init__(
        self,
        value_sets: Mapping[str, Iterable[tuple[str, str]]],
        single_codes: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._bits: dict[str, int] = {}
        self.systems: dict[str, dict[str, int]] = {}
        for name in sorted(value_sets):
            self._enter(name, value_sets[name])
        for name, pair in sorted((single_codes or {}).items()):
            self._enter(name, [pair])
        for alias, system in CODE_SYSTEM_ALIASES.items():
            if system in self.systems:
                self.systems[alias] = self.systems[system]

    def _enter(self, name: str, codes: Iterable[tuple[str, str]]) -> None:
        if name in self._bits:
            raise ValueError(f"{name} names two sets")
        bit = 1 << len(self._bits)
        self._bits[name] = bit
        for system, code in codes:
            of_system = self.systems.setdefault(code_system(system), {})
            of_system[code] = of_system.get(code, 0) | bit

    def __getitem__(self, name: str) -> int:
        """The bit of a value set or single code. NotFound when the terminology has none of that name."""
        try:
            return self._bits[name]
        except KeyError:
            raise NotFound(f"There is no value set or code named {name} in this terminology.") from None

    def any_of(self, *names: str) -> int:
        """The union of the bits of several sets."""
        mask = 0
        for name in names:
            mask |= self[name]
        return mask

    def mask(self, system: str, code: str) -> int:
        """All sets a code is in; 0 when it is in none."""
        return self.systems.get(system, {}).get(code, 0)

    def names(self, mask: int) -> tuple[str, ...]:
        """The names behind a mask, in alphabetical order."""
        return tuple(sorted(name for name, bit in self._bits.items() if bit & mask))
