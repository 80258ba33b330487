"""Signatures: keys, payloads and envelopes to verified statements; pure."""
