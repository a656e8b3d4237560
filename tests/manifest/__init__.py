"""The manifest stage: cases as data, fuzzing, explain and the JSON Schema."""
