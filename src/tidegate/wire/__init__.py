"""Bytes to domain values and back: one module per format and version."""
