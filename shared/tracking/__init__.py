"""What a seller asks of Tether: how an item stands, to save it, to remove it, to get ready."""
