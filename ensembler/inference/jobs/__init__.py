"""Networks that only predict, on the fastest runtime of the machine."""
