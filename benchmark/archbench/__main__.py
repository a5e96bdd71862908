"""`python -m archbench` is `benchmark`."""

from archbench.cli import main

if __name__ == "__main__":
    main()
