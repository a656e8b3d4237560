"""A day of three teams and a platform on one machine, by git alone; its transcript is kept."""
