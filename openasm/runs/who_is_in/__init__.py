"""Who takes part: a roster against the list, eligibility by claims."""
