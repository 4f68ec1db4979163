"""Score inputs to a scored run: read, checked, scored, written; and scored anew under other rules."""
