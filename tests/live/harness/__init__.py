"""What the live tests stand on: real containers, a running lastout, and waiting with a deadline."""
