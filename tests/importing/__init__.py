"""What another tool's file becomes: cases word for word, and every key of the specification."""
