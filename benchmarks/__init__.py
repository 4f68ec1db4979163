"""Benchmarks: each measures one promise of speed beside a reference in the same run (`python -m benchmarks`)."""
