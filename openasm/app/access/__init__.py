"""Who may do what, in one place. Views import what they need from `access.rules`:

from openasm.app.access.rules import PageRequest, Permission, access, everybody, operators, signed_in
"""
