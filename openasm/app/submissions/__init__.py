"""Preparing what is handed in: a package from a published run, its checks, its receipts. Nothing is ever sent."""
