"""Claims, tried as data: each held, broken and unproven."""
