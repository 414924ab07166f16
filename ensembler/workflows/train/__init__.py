"""Train members: options resolved, jobs planned and run, within a time budget if there is one."""
