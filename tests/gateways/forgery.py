"""A body that an attacker wrote, with the CRC32 of another: PayPal's signature of that one fits it too."""

import zlib

BITS = 96  # letters to choose from; 32 of them are decided, the rest make a solution all but certain
PLACE = b"FORGED"


def with_crc_of(body: bytes, forged: bytes) -> bytes:
    """`forged`, in which PLACE stands once in a string, with letters there that give it the CRC32 of `body`.

    A CRC is linear: each letter flipped from `a` (0x61) to `c` (0x63) flips bits of it that do not depend on the rest.
    """
    before, _, after = forged.partition(PLACE)

    def filled(flips: int) -> bytes:
        return before + bytes(0x63 if flips >> n & 1 else 0x61 for n in range(BITS)) + after

    plain = zlib.crc32(filled(0))
    wanted = plain ^ zlib.crc32(body)
    pivots: dict[int, tuple[int, int]] = {}  # highest bit → the bits that a choice of letters flips, the letters
    for n in range(BITS):
        flipped, letters = _reduced(zlib.crc32(filled(1 << n)) ^ plain, 1 << n, pivots)
        if flipped:
            pivots[flipped.bit_length()] = flipped, letters
    rest, letters = _reduced(wanted, 0, pivots)
    assert rest == 0, "no solution: take more letters"
    return filled(letters)


def _reduced(bits: int, letters: int, pivots: dict[int, tuple[int, int]]) -> tuple[int, int]:
    while bits and bits.bit_length() in pivots:
        flipped, choice = pivots[bits.bit_length()]
        bits, letters = bits ^ flipped, letters ^ choice
    return bits, letters
