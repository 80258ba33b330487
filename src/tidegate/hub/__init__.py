"""The hub: rules, clusters, images and events, behind a REST API."""
