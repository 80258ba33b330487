"""Tidegate: open, self-hosted gated deployment for Kubernetes."""

__version__ = "0.1.0"
