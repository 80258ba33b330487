"""Scanners that come with Tidegate, registered as everyone's are."""
