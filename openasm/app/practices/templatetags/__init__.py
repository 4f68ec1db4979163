"""Template filters of the page Practice."""
