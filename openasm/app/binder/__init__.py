"""The evidence binder of a TIN and year: what was attested, what proves it, from which run and rule values, who did what when."""
