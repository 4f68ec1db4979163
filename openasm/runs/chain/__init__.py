"""`openasm run`: configuration, stages, their store, the run folder."""
