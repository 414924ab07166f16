"""Photos turned upright in files of their own, by their pixels or by their EXIF tag."""
