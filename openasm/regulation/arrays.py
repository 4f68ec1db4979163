"""The array types of the regulation: shape `(participants,)`, or `(draws, participants)` in a simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]  # NaN where there is no value
IntArray = NDArray[np.int64]
SmallIntArray = NDArray[np.uint8]  # counts below 256: a simulation's arrays then stay in the processor's cache
BoolArray = NDArray[np.bool_]
