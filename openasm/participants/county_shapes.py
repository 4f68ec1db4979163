"""The outlines of the counties, flat, for maps: US Census Bureau, 2023 edition (see shapes/NOTICE.md).

The file is a TopoJSON topology: lines between counties stand in it once and are shared. That the vintage has Connecticut's planning
regions matters, for the model's delineation has them too. Puerto Rico and the territories have no outline in it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).parent / "shapes" / "counties-2023.json"

Point = tuple[int, int]
"""Whole drawing units from the left and from the top."""

UNITS_A_PIXEL = 50
"""The whole country is 975 by 610 pixels; the outlines are exact to about a quarter of one."""

_CODES = """
01 AL 02 AK 04 AZ 05 AR 06 CA 08 CO 09 CT 10 DE 11 DC 12 FL 13 GA 15 HI 16 ID 17 IL 18 IN 19 IA 20 KS 21 KY 22 LA 23 ME 24 MD 25 MA
26 MI 27 MN 28 MS 29 MO 30 MT 31 NE 32 NV 33 NH 34 NJ 35 NM 36 NY 37 NC 38 ND 39 OH 40 OK 41 OR 42 PA 44 RI 45 SC 46 SD 47 TN 48 TX
49 UT 50 VT 51 VA 53 WA 54 WV 55 WI 56 WY 60 AS 66 GU 69 MP 72 PR 78 VI
"""
STATE_CODES: Mapping[str, str] = MappingProxyType(dict(re.findall(r"(\d\d) ([A-Z]{2})", _CODES)))
"""First two digits of a county's code -> the state's two letters (FIPS 5-2; with DC, Puerto Rico and territories)."""


@dataclass(frozen=True, slots=True)
class CountyShape:
    """One county: its code, its name, and its closed outlines (holes among them)."""

    fips: str
    name: str
    rings: tuple[tuple[Point, ...], ...]

    @property
    def state(self) -> str:
        """Two letters."""
        return STATE_CODES[self.fips[:2]]

    def path(self) -> str:
        """The outlines as the data of an SVG path, in whole units relative to each other."""
        return "".join(_ring_path(ring) for ring in self.rings)


@functools.cache
def county_shapes() -> Mapping[str, CountyShape]:
    """Every county by its five-digit code, in the order of the codes."""
    topology = json.loads(_FILE.read_text(encoding="utf-8"))
    arcs = [_absolute(arc) for arc in topology["arcs"]]
    shapes = {}
    for each in topology["objects"]["counties"]["geometries"]:
        polygons = each["arcs"] if each["type"] == "MultiPolygon" else [each["arcs"]]
        rings = tuple(_ring(ring, arcs) for polygon in polygons for ring in polygon)
        shapes[each["id"]] = CountyShape(each["id"], each["properties"]["name"], rings)
    return MappingProxyType(shapes)


@functools.cache
def state_borders() -> Mapping[str, str]:
    """The lines between two states, or a state and the sea, as path data by the states they border (`NJ NY`)."""
    topology = json.loads(_FILE.read_text(encoding="utf-8"))
    arcs = [_absolute(arc) for arc in topology["arcs"]]
    beside: dict[int, list[str]] = {}
    for each in topology["objects"]["counties"]["geometries"]:
        polygons = each["arcs"] if each["type"] == "MultiPolygon" else [each["arcs"]]
        for index in (index for polygon in polygons for ring in polygon for index in ring):
            beside.setdefault(index if index >= 0 else ~index, []).append(STATE_CODES[each["id"][:2]])
    lines: dict[str, list[str]] = {}
    for index, states in sorted(beside.items()):
        if len(states) < 2 or len(set(states)) > 1:
            lines.setdefault(" ".join(sorted(set(states))), []).append(_line_path(arcs[index]))
    return MappingProxyType({states: "".join(paths) for states, paths in sorted(lines.items())})


def bounds(shapes: Iterable[CountyShape]) -> tuple[int, int, int, int]:
    """Left, top, width and height of some shapes, in units; none raises ValueError."""
    points = [point for shape in shapes for ring in shape.rings for point in ring]
    if not points:
        raise ValueError("there is no shape")
    left, top = min(x for x, _ in points), min(y for _, y in points)
    return left, top, max(x for x, _ in points) - left, max(y for _, y in points) - top


def _absolute(arc: Sequence[Sequence[int]]) -> list[Point]:
    x = y = 0
    points = []
    for right, down in arc:
        x, y = x + right, y + down
        points.append((x, y))
    return points


def _ring(indices: Sequence[int], arcs: Sequence[list[Point]]) -> tuple[Point, ...]:
    """The points of a ring; a negative index means that the line is walked backwards."""
    points: list[Point] = []
    for index in indices:
        line = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += line[1:] if points else line
    return tuple(points)


_DOT = 25
"""Half the width of what stands for a county too small for an outline: a city of Virginia is a point in it."""


def _ring_path(points: Sequence[Point]) -> str:
    if len(set(points)) < 3:
        x, y = points[0]
        return f"M{x - _DOT} {y}l{_DOT} {-_DOT} {_DOT} {_DOT} {-_DOT} {_DOT}z"
    return f"{_line_path(points[:-1])}z"


def _line_path(points: Sequence[Point]) -> str:
    if len(points) < 2:
        return ""  # a line so short that it was rounded to a point
    (x, y), steps = points[0], pairwise(points)
    return f"M{x} {y}l" + " ".join(f"{right - x} {down - y}" for (x, y), (right, down) in steps)
