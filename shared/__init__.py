"""The product: what is on the bus, the sync rules, and the two services they join."""
