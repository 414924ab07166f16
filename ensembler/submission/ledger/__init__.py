"""The ledger of answers, their uploads and scores."""
