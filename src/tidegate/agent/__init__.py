"""The cluster's agent: the hub's rules into policy objects, the gates' events to the hub."""
