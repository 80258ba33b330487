"""The embedded OCI registry: distribution-spec 1.1 with referrers, on one folder of one machine.

Read `app.py` first (a request from top to bottom), then `store.py` (what is kept, and how it
survives a crash).
"""
