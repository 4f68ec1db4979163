"""Tables on an engine: the only room that knows DuckDB or Spark."""
