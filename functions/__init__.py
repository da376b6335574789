"""One module for each trigger: parse, call shared, answer."""
