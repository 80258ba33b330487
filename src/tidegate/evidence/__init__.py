"""What is known about images, gathered inside a deadline; never raises."""
