"""From one run to a distribution of scores and dollars: scenario, simulation, levers, sensitivity (docs/method/projection.md).

project.py is the way in; archive/projection.py holds the result types and their file.
"""

from openasm.archive.projection import read_projection

__all__ = ["read_projection"]
