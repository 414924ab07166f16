"""Options of training: declared, read from every source, and resolved to the settings of a member."""
