"""What changed between runs, and where the year will end."""
