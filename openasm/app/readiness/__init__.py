"""The readiness plan of a practice: what is due when, who does it, what proves it, what it is worth."""
