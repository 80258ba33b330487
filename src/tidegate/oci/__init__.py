"""The asynchronous client of OCI registries: resolve, referrers, blobs, push."""
