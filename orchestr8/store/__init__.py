"""The store: SQLite in the state folder; documents, revisions, records, pins, the journal.

One writer at a time, under a lock. Losing the store loses history, not boxes.
"""
