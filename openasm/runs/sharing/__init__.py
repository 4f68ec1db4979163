"""A run for others: pseudonyms, moved dates, small counts hidden."""
