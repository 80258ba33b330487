"""The recovery matrix: what comes up by itself, on real components (docs/explanation/recovery.md)."""
