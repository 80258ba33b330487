"""Names in a cluster that several parts must agree on; imports nothing, so that a gate may."""

NAMESPACE = "tidegate"
"""Tidegate's own namespace: excluded from judging, holds the last good copies."""

CANARY_NAMESPACE = "tidegate-canary"
"""Where the agent has the API server try pods that never run."""

CONFIGURATION_NAME = "tidegate"
"""Of the webhook configuration: its one name, which rights are bound to."""

AGENT_ACCOUNT = "tidegate-agent"
"""The agent's service account in `NAMESPACE`."""
