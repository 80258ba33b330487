"""`tidegate up`: all parts on one machine, with a local API server and demo data."""
