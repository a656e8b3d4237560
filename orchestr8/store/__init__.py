"""The store: SQLite in the state folder; documents, revisions, records, the journal of intents.

One writer at a time, under a lock. Losing the store loses history, not boxes.
"""
