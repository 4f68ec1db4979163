"""What happened, append-only and chained by hashes: events, their page and export, and their verification."""
