"""Define the limits of the process that reads images, and how it reports its result."""

import struct
from typing import Final

MAX_PIXELS: Final = 40_000_000
MEMORY_BYTES: Final = 2**30
CPU_SECONDS: Final = 15
# The process exits with 0, or with one of these.
NOT_READABLE: Final = 10
TOO_LARGE: Final = 11
TOO_MUCH_MEMORY: Final = 12
# Precedes each image in the output: width, height, and the number of its bytes.
IMAGE_HEAD: Final = struct.Struct(">III")
