"""What makes boxes real: the protocols, and one folder an engine.

An engine translates our words to its own and back, and lets none of its words or exceptions out.
It does not plan, and it does not prove.
"""
