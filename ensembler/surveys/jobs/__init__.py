"""The job that compares backbones."""
