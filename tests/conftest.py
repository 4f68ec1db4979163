"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SPARK_FOR_SMALL_DATA = {
    "spark.driver.memory": "2g",
    # Thousands of small plans: what counts is the time until a plan runs, not how fast it runs. Room for the classes and the
    # machine code of all of them spares many collections of the whole heap.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn700m -XX:MetaspaceSize=512m "
    "-XX:ReservedCodeCacheSize=256m",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark for all tests, as a program of one's own would have made it; `open_engine("spark")` takes it as it is."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra openasm[spark] is not installed")
    place: Path = tmp_path_factory.mktemp("spark")
    builder = sql.SparkSession.builder.master("local[2]").appName("openasm-tests")
    settings = {**SPARK_FOR_SMALL_DATA, "spark.local.dir": str(place), "spark.sql.warehouse.dir": str(place / "tables")}
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # py4j and pyspark raise several kinds when Java does not start
        pytest.skip(f"Spark does not start: {error}")
    yield session
    session.stop()
