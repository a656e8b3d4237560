"""The HTTP API of a machine: who asks, which commands there are, and how answers are streamed.

What a command does is not known here: it is given by whoever opens the API, so that the same code
serves whoever types it on the machine itself. Only the command line imports this.
"""
