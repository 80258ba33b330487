"""Outgoing connections: which addresses may be reached."""
