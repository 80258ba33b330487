"""The REST API `/api/v1`: one module per resource, bodies as in `tidegate.wire.hub_v1`."""
