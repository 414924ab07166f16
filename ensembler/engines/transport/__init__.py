"""Files of jobs on machines without a shared folder: sent in pieces, verified, and brought back."""
