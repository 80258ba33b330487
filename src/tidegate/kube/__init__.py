"""The Kubernetes API as gate and agent use it: a client, and watches that survive restarts."""
