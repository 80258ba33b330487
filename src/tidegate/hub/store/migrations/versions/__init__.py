"""One module per migration; the previous release must still work on each new schema."""
