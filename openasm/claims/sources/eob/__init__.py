"""CMS FHIR ExplanationOfBenefit, versions 2 and 3 of the CMS APIs (BCDA, Blue Button, DPC, AB2D)."""
