"""The Docker engine: the docker SDK against a local Docker Engine, API 1.41 and later.

`translate` is pure; no Docker word, type or exception leaves this folder.
"""
