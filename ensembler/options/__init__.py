"""Options of training: their declarations, sources, and resolution to the settings of a member."""
