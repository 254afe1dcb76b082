"""What the shell offers, and how it speaks."""
