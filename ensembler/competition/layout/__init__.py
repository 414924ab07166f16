"""What a competition asks, found out from its files alone."""
