"""The feed of findings: its chain, the file of a snapshot, and the rows that are held."""
