"""Rows and documents that are only ever added: what proves something is kept as it was, and the database refuses to change it."""
