"""Entry point of ``python -m ensembler``."""

from .cli import main

main()
