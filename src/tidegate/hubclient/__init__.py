"""The typed client of the hub's REST API: agent, worker and command line share it."""

from tidegate.hubclient.client import HubClient, TailedEvent

__all__ = ["HubClient", "TailedEvent"]
