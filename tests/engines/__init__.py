"""Engines by themselves, without any daemon: translations, failures, choice, the simulation."""
