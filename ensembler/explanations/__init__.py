"""What a network looks at: maps of the photo's parts that speak for a class, and their pictures."""
