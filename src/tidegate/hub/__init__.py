"""The hub: rules, clusters, images, events and jobs behind a REST API."""
