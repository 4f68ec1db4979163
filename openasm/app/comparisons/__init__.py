"""The page *Compare*: what changed between two published runs of a practice, and why."""
