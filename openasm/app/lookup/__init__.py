"""The page *Look-up*: am I in, by name, NPI, organization, ZIP code, county or state, with maps; over the workbench's library."""
