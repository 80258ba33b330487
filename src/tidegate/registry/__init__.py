"""The embedded OCI registry: distribution-spec 1.1 with referrers and push events."""
