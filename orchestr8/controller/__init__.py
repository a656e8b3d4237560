"""When: one cycle along the road, gathering, executing, proving, and cycles until converged.

Knows every stage and every border; contains no rule about manifests, isolation or engines.
"""
