"""Records to measure results: quality, admissions, functional status; whose patients, what gaps are worth."""
