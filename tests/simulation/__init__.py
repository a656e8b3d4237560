"""The loop on a simulated machine in simulated time: a seed is a story, and tells it again.

Everything that could differ between two runs comes out of one seeded source: time, the order in
which calls come to their end, what fails, what happens to boxes, and when the process is killed.
"""
