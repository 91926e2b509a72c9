"""``python -m fastdrift``, and where the console script starts."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from fastdrift.cli.main import cli
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.stderr.write(f"the command line needs {error.name}: pip install 'fastdrift[cli]'\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    cli(prog_name="fastdrift")


if __name__ == "__main__":
    main()
