"""``python -m jobengine.cli``: the command without its installed script."""

from jobengine.cli import main

if __name__ == "__main__":
    main()
