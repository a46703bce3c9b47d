"""``python -m swath``."""

from swath._cli import main

main()
