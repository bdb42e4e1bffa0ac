"""PNG files without the texts and the colour profile that they carry beside the picture.

Pillow refuses a PNG with much text, since a small file could unpack to gigabytes of it.
"""

import struct
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEFT_OUT = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def without_text(content: bytes) -> bytes:
    """Leave out the chunks of a PNG that hold texts or a colour profile; nothing is unpacked.

    Other files stay what they are. Source: PNG specification, third edition, section 5.3 (chunk
    layout).
    """
    if not content.startswith(SIGNATURE):
        return content
    return SIGNATURE + b"".join(chunk for chunk in _chunks(content) if chunk[4:8] not in LEFT_OUT)


def _chunks(content: bytes) -> Iterator[bytes]:
    start = len(SIGNATURE)
    while start + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, start)
        end = start + 12 + length  # length, type and checksum take 12 bytes
        yield content[start:end]
        start = end
