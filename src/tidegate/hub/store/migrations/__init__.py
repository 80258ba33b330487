"""Schema migrations, run at start and by `python -m tidegate.hub migrate`."""
