"""The page *Practice*: its clinicians with score, range, dollars at stake and readiness. The example for other pages."""
