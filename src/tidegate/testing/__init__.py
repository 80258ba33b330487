"""Shipped helpers for tests: worlds in memory and on loopback, never mocks."""
