"""The page *Data*: files that a practice uploads, its run's configuration, runs as processes of their own, and what they found."""
