"""`make deploy-check`: every lint of `deploy/`, then the image built and run; with `lint`, the first alone."""

import sys

from tests.deploy.image import check_installation
from tests.deploy.lint import lint_everything
from tests.deploy.tools import CheckError, workplace


def main(arguments: list[str]) -> int:
    try:
        with workplace() as directory:
            lint_everything(directory)
        if arguments != ["lint"]:
            with workplace() as directory:
                check_installation(directory)
    except CheckError as error:
        print(error, file=sys.stderr)  # noqa: T201  why it failed
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
