"""``python -m fastdrift``, and where the console script starts."""

from __future__ import annotations

import sys

from fastdrift.cli import interrupt


def main() -> None:
    """Run the command line, or say what it needs."""
    interrupt.install()
    try:
        from fastdrift.cli.main import cli

        cli(prog_name="fastdrift")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        sys.stderr.write(f"the command line needs {missing}: pip install 'fastdrift[cli]'\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(interrupt.INTERRUPTED)
    finally:
        interrupt.uninstall()


if __name__ == "__main__":
    main()
