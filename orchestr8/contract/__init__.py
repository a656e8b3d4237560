"""What was granted: image facts, grant, expiry, quota, consent, gaps.

Pure. Takes a fleet, facts and features and gives contracts, or every refusal with its reason.
What to *do* about a contract does not belong here.
"""
