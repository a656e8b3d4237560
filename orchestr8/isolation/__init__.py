"""What can be asked: dimensions, relaxations, capabilities, system calls, versions of STRICT.

Data and pure functions only. Everything above may import this; this imports nothing of ours but
errors, names and units. Deciding whether something is *granted* does not belong here.
"""
