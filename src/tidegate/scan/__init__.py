"""The scan worker: image to signed findings artifact."""
