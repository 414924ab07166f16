"""A time budget: what training costs, what fits, and what each job may take of the time that is left."""
