"""A run as pages and workbooks that people read."""
