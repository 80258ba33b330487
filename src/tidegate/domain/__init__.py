"""Pure values and the decision: standard library only, no I/O, no clock, no framework."""
