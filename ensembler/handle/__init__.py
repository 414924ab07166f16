"""The handle of a competition: what the commands do, as methods of one object."""
