"""The planner: cases as data, and the small pure parts on their own."""
