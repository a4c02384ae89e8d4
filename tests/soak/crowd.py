"""The customers of one wave, as a process of its own: several at once, and one line of JSON when each is gone.

python -m tests.soak.crowd --seed S --first 1 --count 50 --at-once 8 --shop URL --psps URL --goods SLUG …
"""

import argparse
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.soak.customer import Customer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.crowd")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--first", type=int, required=True, help="the number of the first customer")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--shop", required=True)
    parser.add_argument("--psps", required=True)
    parser.add_argument("--goods", nargs="+", required=True)
    given = parser.parse_args()
    numbers = range(given.first, given.first + given.count)
    crowd = [Customer(n, given.seed, given.shop, given.psps, given.goods) for n in numbers]
    with ThreadPoolExecutor(given.at_once) as threads:
        for visit in as_completed([threads.submit(customer.visit) for customer in crowd]):
            print(visit.result().as_json(), flush=True)


if __name__ == "__main__":
    main()
