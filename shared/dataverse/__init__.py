"""Dataverse: the client, its batches, and the rows Tether reads and writes."""
