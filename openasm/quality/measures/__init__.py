"""The measures, a file each; a file that is dropped in is found. `MEASURES` names the class of every measure."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from openasm.quality.populations import Measure

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def _named(base: type[Any]) -> dict[str, type[Measure]]:
    """The classes below one that carry a name of their own, by that name."""
    found: dict[str, type[Measure]] = {}
    for each in base.__subclasses__():
        if "name" in vars(each):
            found[each.name] = each
        found |= _named(each)
    return found


MEASURES: dict[str, type[Measure]] = dict(sorted(_named(Measure).items()))
