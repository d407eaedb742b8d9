"""The worker of this benchmark: the engine benchmark's, with so many of the hundred scenarios in force."""

from __future__ import annotations

from bench.scenarios.mix import city
from bench.watch.worker import options, work
from bench.watch.workload import KEY


def main() -> None:
    """Run until SIGTERM."""
    parser = options(__doc__)
    parser.add_argument("--scenarios", type=int, required=True)
    given = parser.parse_args()
    work(given, city(given.assets).content(given.scenarios), KEY)


if __name__ == "__main__":
    main()
