"""`python -m paper2code`: the command line."""

from paper2code.cli import main

if __name__ == "__main__":
    main()
