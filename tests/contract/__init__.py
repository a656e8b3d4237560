"""The contract stage: what is granted, and what is refused with which words."""
