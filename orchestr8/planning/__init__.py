"""What to do. Pure: expand, allocate, links, reconcile, replace, admit, back off, print.

Takes contracts, records and one snapshot, and gives a plan. It neither calls, prints, logs nor
asks; whatever a person should know is a field of the plan.
"""
