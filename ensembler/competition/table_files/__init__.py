"""Tables as people have them: CSVs in any dialect, text files and JSON."""
