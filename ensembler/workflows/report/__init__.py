"""Report of a competition: gathers its facts from all records, and writes the page."""
