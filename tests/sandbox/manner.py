"""How the messages of one happening reach the shop, well or badly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Fault = Literal[
    "none", "lost", "gaps", "never", "twice", "late", "reversed", "unsigned", "wrong_amount", "event_amount"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
FAULT_NAMES: dict[Fault, str] = {  # on the pages
    "none": "normal",
    "lost": "perdu",
    "gaps": "un sur deux perdu",
    "never": "jamais produit, pas même dans la liste",
    "twice": "envoyé deux fois",
    "late": "en retard",
    "reversed": "dans l’ordre inverse",
    "unsigned": "sans signature",
    "wrong_amount": "autre montant (+ 1.00)",
    "event_amount": "autre montant dans le seul message (+ 1.00)",
}


@dataclass(frozen=True)
class Manner:
    """What the PSP does with the messages: `late` takes `seconds`; the first of every two is lost with `gaps`.

    `never`: it forgets to make the events at all. `wrong_amount` is not the messages' fault: the PSP takes another
    amount, and all its messages and objects say so. `event_amount`: the signed message says another amount than the
    PSP's books.
    """

    fault: Fault = "none"
    seconds: float = 0.0

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Manner":
        """From a form or a JSON body. Raises ValueError for an unknown fault."""
        fault = str(values.get("webhook") or "none")
        if fault not in FAULTS:
            raise ValueError(f"no such webhook fault: {fault}")
        return cls(fault, float(str(values.get("seconds") or 0) or 0))

    def loses(self, number: int) -> bool:
        """Whether the message of this number, from 0, is lost on its way."""
        return self.fault == "lost" or (self.fault == "gaps" and number % 2 == 0)
