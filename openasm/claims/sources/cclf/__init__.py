"""CMS Claim and Claim Line Feed (CCLF): fixed width, debit and credit, layouts as data.

Citation: CMS CCLF Information Packet version 38.0 (2 February 2024); sections are named where a rule is applied.
"""
