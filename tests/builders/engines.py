"""Engines that tests run on."""

from __future__ import annotations

import pytest

# Spark talks to its Java side over a local socket, and its library leaves that for the collector to close.
SPARK = pytest.param(
    "spark",
    marks=[
        pytest.mark.spark,
        pytest.mark.enable_socket,
        pytest.mark.filterwarnings("ignore::ResourceWarning"),
        pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    ],
)
