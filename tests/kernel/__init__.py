"""The witness, tried on real boxes of a real engine and on hostile text."""
