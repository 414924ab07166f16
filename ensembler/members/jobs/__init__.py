"""Jobs of members: frozen ones, their heads, and measuring their speed."""
