"""Local accounts: passwords, and the slowing down of who guesses them."""
