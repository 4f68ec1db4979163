"""The register of collaborative care arrangements: terms, signatures, documents, payments against the limit (42 CFR 512.771)."""
