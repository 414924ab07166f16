"""What competitions are judged by, and how an answer follows from it."""
