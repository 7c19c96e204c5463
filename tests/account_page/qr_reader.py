"""Read QR codes, written apart from the encoder of the page: byte mode, versions 1 to 10, level L."""

from collections.abc import Callable, Iterator

Code = list[list[bool]]
# Bytes of error correction in a block, and the number of blocks, by version.
_BLOCKS = {5: (26, 1), 6: (18, 2), 7: (20, 2), 8: (24, 2), 9: (30, 2), 10: (18, 4)}
_CENTRES = {5: (6, 30), 6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46), 10: (6, 28, 50)}
_MASKS: list[Callable[[int, int], bool]] = [
    lambda x, y: (x + y) % 2 == 0,
    lambda _, y: y % 2 == 0,
    lambda x, _: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
]
_FORMAT_MASK = 0b101010000010010


def read_qr(code: Code) -> str:
    """Return the text. Raises AssertionError for a wrong format, or if the error correction of a block is wrong."""
    version = (len(code) - 17) // 4
    stream = _bytes_of(code, version, _mask_of(code))
    correction, count = _BLOCKS[version]
    total = len(stream)
    sizes = [total // count + (number >= count - total % count) - correction for number in range(count)]
    blocks: list[list[int]] = [[] for _ in sizes]
    rest = iter(stream)
    for position in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if position < size:
                block.append(next(rest))
    for _ in range(correction):
        for block in blocks:
            block.append(next(rest))
    for block in blocks:
        assert _syndromes(block, correction) == [0] * correction
    return _text_of([byte for block, size in zip(blocks, sizes, strict=True) for byte in block[:size]], version)


def _mask_of(code: Code) -> int:
    """Return the number of the mask, from the format information beside the upper left corner."""
    places = [*((8, y) for y in range(6)), (8, 7), (8, 8), (7, 8), *((x, 8) for x in range(5, -1, -1))]
    bits = sum(code[y][x] << position for position, (x, y) in enumerate(places)) ^ _FORMAT_MASK
    level, mask = bits >> 13, bits >> 10 & 7
    assert level == 1
    rest = bits
    for position in range(14, 9, -1):
        rest ^= (0b10100110111 << (position - 10)) if rest >> position & 1 else 0
    assert rest == 0
    return mask


def _bytes_of(code: Code, version: int, mask: int) -> list[int]:
    size = len(code)
    bits = [code[y][x] ^ _MASKS[mask](x, y) for x, y in _zigzag(size) if not _is_pattern(size, version, x, y)]
    whole = len(bits) // 8
    return [int("".join("01"[bit] for bit in bits[8 * at : 8 * at + 8]), 2) for at in range(whole)]


def _zigzag(size: int) -> Iterator[tuple[int, int]]:
    """Yield the places in pairs of columns from the right, upwards and downwards in turn. Column 6 is left out."""
    columns = [x for x in range(size - 1, -1, -1) if x != 6]
    for number in range(0, len(columns), 2):
        rows = range(size - 1, -1, -1) if number % 4 == 0 else range(size)
        for y in rows:
            yield columns[number], y
            yield columns[number + 1], y


def _is_pattern(size: int, version: int, x: int, y: int) -> bool:
    near_corner = (x < 9 and y < 9) or (x >= size - 8 and y < 9) or (x < 9 and y >= size - 8)
    in_version = version >= 7 and ((x < 6 and size - 11 <= y < size - 8) or (y < 6 and size - 11 <= x < size - 8))
    centres = _CENTRES[version]
    corners = {(6, 6), (6, centres[-1]), (centres[-1], 6)}
    aligned = any(abs(x - cx) <= 2 and abs(y - cy) <= 2 for cx in centres for cy in centres if (cx, cy) not in corners)
    return near_corner or in_version or aligned or x == 6 or y == 6


def _syndromes(block: list[int], count: int) -> list[int]:
    """Return the values of the block, a polynomial, at powers of two. All are zero without errors."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] << 1 ^ (0x11D if powers[-1] & 0x80 else 0))
    logarithms = {power: exponent for exponent, power in enumerate(powers)}
    syndromes = []
    for root in range(count):
        value = 0
        for byte in block:
            value = (powers[(logarithms[value] + root) % 255] if value else 0) ^ byte
        syndromes.append(value)
    return syndromes


def _text_of(data: list[int], version: int) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    width = 8 if version < 10 else 16
    assert bits[:4] == "0100"
    start = 4 + width
    length = int(bits[4:start], 2)
    return bytes(int(bits[start + 8 * at : start + 8 * at + 8], 2) for at in range(length)).decode()
