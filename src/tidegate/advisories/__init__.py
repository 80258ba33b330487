"""OSV records to an index; packages of an SBOM to findings."""
