"""The job that measures what training costs."""
