"""Filters for templates of episodes."""
