"""Connections: which addresses may be reached, and what a caller's may take."""
