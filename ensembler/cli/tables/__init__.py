"""Formats results for people: tables, sentences and CSV."""
