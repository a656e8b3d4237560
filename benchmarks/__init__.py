"""What orchestr8 costs beside its peers, on the same machine and in the same run.

Here belongs what measures; `python -m benchmarks` runs it. One module is one group of rows. Timings
are printed and written down, never asserted: a goal that is missed says so, and so does a peer that
is not there.
"""
