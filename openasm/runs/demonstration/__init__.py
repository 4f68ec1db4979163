"""The made-up practice, its cohort, and the story it tells."""
