"""`python -m riskengine` is the same as `riskengine`."""

from riskengine.cli import main

if __name__ == "__main__":
    main()
