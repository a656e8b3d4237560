"""What was asked: text to positioned nodes to models, to a whole set or all its problems.

pydantic and PyYAML live here and nowhere else. Whether a request is *allowed* is not decided here.
"""
