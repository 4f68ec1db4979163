"""Accounts, practices, systems, memberships, invitations, tokens, and the rules of signing in."""
