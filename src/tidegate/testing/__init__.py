"""Helpers for tests, ours and those of plug-ins: worlds to stand in, not mocks."""
