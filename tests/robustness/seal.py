"""The seal that Tessera's checkpoints end in (src/io/seal.hpp), after their definition."""
import re
import struct

BLOCK = 1 << 20
MASK = (1 << 64) - 1
SEAL = re.compile(rb"\ntessera seal [0-9a-f]{16} \d{20}\n\Z")


def mixed(total, word):
    product = (total ^ word) * 0x9E3779B97F4A7C15 & MASK
    return (product << 29 | product >> 35) & MASK


def checksum(content):
    total = 0
    for number in range(-(-len(content) // BLOCK)):
        block = content[number * BLOCK:(number + 1) * BLOCK]
        part = mixed(number, len(block))
        for (word, ) in struct.iter_unpack("<Q", block + bytes(-len(block) % 8)):
            part = mixed(part, word)
        total += mixed(mixed(part, 0), part >> 32)
    return total & MASK


def seal(path):
    """Seals a file, again if it was sealed before."""
    content = SEAL.sub(b"", path.read_bytes())
    path.write_bytes(content + b"\ntessera seal %016x %020d\n" % (checksum(content), len(content)))
