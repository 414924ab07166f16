"""The report of a competition: the facts that it tells, and the page that shows them."""
