"""An operator's day in one transcript: real commands on a real engine, with what they print. It
stops at the first surprise. `python3 -m tests.drill OUT` types it; `make drill` names the file."""
