"""The meta-learners."""
