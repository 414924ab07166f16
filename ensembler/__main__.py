"""``python -m ensembler``."""

from .cli import main

main()
