"""Requests with clocks: the yearly data request to CMS (42 CFR 512.760) and notices that a listing or report is in error."""
