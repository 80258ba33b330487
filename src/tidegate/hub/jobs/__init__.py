"""What the hub does beside answering: scan jobs and pruning."""
