"""The portal: what a browser gets from the hub beside the API."""
