"""The interface for other programs: OpenAPI under `/api/v1/`, read with a person's API token, under that person's permissions.

guard.py checks token, permission, practice and patients before an operation runs; operations.py answers; schemas.py says what answers
look like; errors.py is the one form of every refusal. `/api/v1/openapi.json` describes it all.
"""
