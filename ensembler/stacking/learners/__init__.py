"""Meta-learners: each is fitted on the members' log-odds of out-of-fold predictions, and comes to a blend."""
