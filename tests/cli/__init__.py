"""The command line as people meet it: what is typed, what is printed, and the exit status."""
