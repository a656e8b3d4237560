"""What must hold for every fleet, world and interruption, and that the laws can be broken."""
