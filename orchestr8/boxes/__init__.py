"""What shall be and what is: frozen types that the later stages share, and no logic.

Desired and observed have separate types and separate writers. Assumptions that only one machine
satisfies do not belong here.
"""
