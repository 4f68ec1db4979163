"""The page *Measures*: every measure of the practice and of its clinicians against benchmark, completeness and case minimum."""
