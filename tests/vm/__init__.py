"""What is shown on a virtual machine of the kind that users have: `make test-vm`.

Not among the suite's parts: an emulated machine takes its time.
"""
