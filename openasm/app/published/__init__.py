"""Published runs: the models pages read, and the loading of a run folder in one transaction."""
