"""Submissions to code competitions by a notebook without internet, whose files are in a private dataset."""
