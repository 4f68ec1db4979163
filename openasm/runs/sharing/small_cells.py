"""Small counts hidden so that nobody can work them out: counts of 1 to 10, and as many others as that takes.

CMS's rule for data that leave a project is that no count of 1 to 10 people is shown, nor anything from which it follows. Counts
here are vectors on a tree (everybody, practice, clinician): a node is the sum of its children. A hidden node's whole vector is hidden.
For each shown node that has hidden children, let U be those, hidden children that have rows of their own replaced by what they are the
sum of. What a reader knows of U is its sum: the shown node less what is shown below it. The node is safe when

    at least two of its children are hidden, and the sum of the totals in U is larger than the number of its members

because then each cell that is not 0 can take at least two values, even for a reader who knows that nothing is hidden where there is
nobody (every member's total is at least 1): a unit of the difference can lie with one or with another. Otherwise one more node is
hidden, the smallest first, or the shown node itself. No count of a hidden node is the sum of shown ones. Zeros are no secret.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

LARGEST_HIDDEN = 10
"""Counts from 1 to this are not shown (CMS cell size suppression policy: no cell of 10 or less)."""

Path = tuple[str, ...]
Vector = tuple[int, ...]


def is_small(count: int) -> bool:
    """Whether a count must not be shown.

    >>> [is_small(count) for count in (0, 1, 10, 11)]
    [False, True, True, False]
    """
    return 1 <= count <= LARGEST_HIDDEN


def hidden_nodes(counts: Mapping[Path, Vector], *, at_least: Collection[Path] = ()) -> frozenset[Path]:
    """The nodes to hide. counts: non-negative counts of each node; (): everybody, ("tin",), ("tin", "npi"), and so on.

    at_least: nodes hidden for other reasons, such as another table that holds the same facts. A node is small where one of its counts
    or their sum is.

    >>> sorted(hidden_nodes({(): (100,), ("a",): (60,), ("b",): (33,), ("c",): (7,)}))
    [('b',), ('c',)]
    """
    hidden = {path for path, vector in counts.items() if path in at_least or any(map(is_small, (*vector, sum(vector))))}
    children: dict[Path, list[Path]] = {}
    for path in sorted(counts):
        if path and (parent := _parent(path, counts)) is not None:
            children.setdefault(parent, []).append(path)
    while (another := _one_more(counts, hidden, children)) is not None:
        hidden.add(another)
    return frozenset(hidden)


def _parent(path: Path, counts: Mapping[Path, Vector]) -> Path | None:
    """The nearest node above that the table has."""
    return next((path[:length] for length in range(len(path) - 1, -1, -1) if path[:length] in counts), None)


def _one_more(counts: Mapping[Path, Vector], hidden: set[Path], children: Mapping[Path, list[Path]]) -> Path | None:
    """A further node to hide, or None when everything hidden is safe."""
    for node in sorted(children):
        direct = [child for child in children[node] if child in hidden]
        opened = list(_opened(node, hidden, children))
        unknown = [each for each in opened if each in hidden]
        if node in hidden:
            for column, value in enumerate(counts[node]):
                if value and not any(counts[each][column] for each in unknown):
                    shown = [each for each in opened if each not in hidden and counts[each][column]]
                    if shown:  # else the node counts people whom none of its children has
                        return _smallest(shown, counts)
            continue
        if not direct:
            continue
        if len(direct) < 2:
            others = [child for child in children[node] if child not in hidden and any(counts[child])]
        elif sum(sum(counts[each]) for each in unknown) <= len(unknown):
            others = [each for each in opened if each not in hidden and any(counts[each])]
        else:
            continue
        return _smallest(others, counts) if others else node
    return None


def _opened(node: Path, hidden: set[Path], children: Mapping[Path, list[Path]]) -> Iterator[Path]:
    """What a node is the sum of: its children, a hidden child with rows of its own replaced by these."""
    for child in children[node]:
        if child in hidden and child in children:
            yield from _opened(child, hidden, children)
        else:
            yield child


def _smallest(nodes: list[Path], counts: Mapping[Path, Vector]) -> Path:
    return min(nodes, key=lambda each: (sum(counts[each]), each))
