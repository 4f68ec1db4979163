"""What the chain found of each episode beside costs and attribution: sub-group, drug coverage and everything risk rests on."""

from __future__ import annotations

from collections import defaultdict

import pyarrow.parquet as pq

from openasm.episodes.enrollment import AT_START


def details_of(folder):
    """{episode_id: {"part_d": bool, "age": int, a flag: 0 or 1, "hcc": set, a purpose: set of names that hold}} of the stages in a folder."""
    ids = dict(_columns(folder / "episodes.parquet", "episode", "episode_id"))
    hccs, names = defaultdict(set), defaultdict(set)
    for episode, category in _columns(folder / "categories.parquet", "episode", "category"):
        hccs[episode].add(category)
    for episode, purpose, name in _columns(folder / "conditions.parquet", "episode", "purpose", "name"):
        names[episode, purpose].add(name)
    return {
        ids[episode]: {
            "part_d": part_d,
            "age": age,
            **dict(zip(AT_START, flags, strict=True)),
            "hcc": hccs[episode],
            **{purpose: names[episode, purpose] for purpose in ("subgroup", "risk", "exclusion")},
        }
        for episode, part_d, age, *flags in _columns(
            folder / "enrollment.parquet", "episode", "part_d", "age", *AT_START
        )
    }


def _columns(path, *names):
    table = pq.read_table(path, columns=list(names))
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))
