"""The two encodings of frames, by the subprotocol of a connection."""

from typing import Any, Final, TypeVar

import msgspec

from grome.infrastructure.websocket.framing import binary_frame, text_frame
from grome.realtime.frames import MSGPACK, ClientFrame, ServerFrame

T = TypeVar("T")

_json_decoder: Final[msgspec.json.Decoder[ClientFrame]] = msgspec.json.Decoder(ClientFrame)
_msgpack_decoder: Final[msgspec.msgpack.Decoder[ClientFrame]] = msgspec.msgpack.Decoder(ClientFrame)
_encode_json: Final = msgspec.json.Encoder().encode
_encode_msgpack: Final = msgspec.msgpack.Encoder(uuid_format="canonical").encode


class JsonEncoding:
    """JSON in text messages."""

    is_binary: Final = False

    def decode(self, message: str | bytes) -> ClientFrame:
        """Raises msgspec.DecodeError."""
        if isinstance(message, bytes):
            raise msgspec.DecodeError("The message is binary, and the subprotocol has text messages.")
        return _json_decoder.decode(message)

    def convert(self, message: str | bytes, kind: type[T]) -> T:
        """Return the message as another Struct. Raises msgspec.DecodeError."""
        return msgspec.json.decode(message, type=kind)

    def frame(self, frame: ServerFrame) -> bytes:
        return text_frame(_encode_json(frame))

    def raw(self, payload: bytes) -> Any:  # noqa: ANN401 -- decoded JSON
        """Return JSON bytes as a field of a frame."""
        return msgspec.Raw(payload)


class MsgpackEncoding:
    """MessagePack in binary messages. Times and ids are strings, as in JSON."""

    is_binary: Final = True

    def decode(self, message: str | bytes) -> ClientFrame:
        """Raises msgspec.DecodeError."""
        if isinstance(message, str):
            raise msgspec.DecodeError("The message is text, and the subprotocol has binary messages.")
        return _msgpack_decoder.decode(message)

    def convert(self, message: str | bytes, kind: type[T]) -> T:
        """Return the message as another Struct. Raises msgspec.DecodeError."""
        return msgspec.msgpack.decode(message if isinstance(message, bytes) else message.encode(), type=kind)

    def frame(self, frame: ServerFrame) -> bytes:
        return binary_frame(_encode_msgpack(msgspec.to_builtins(frame)))

    def raw(self, payload: bytes) -> Any:  # noqa: ANN401 -- decoded JSON
        """Return JSON bytes as a field of a frame."""
        return msgspec.json.decode(payload)


Encoding = JsonEncoding | MsgpackEncoding
_JSON, _MSGPACK = JsonEncoding(), MsgpackEncoding()


def encoding_for(subprotocol: str | None) -> Encoding:
    """Return the encoding of a subprotocol; JSON if the client asked for none."""
    return _MSGPACK if subprotocol == MSGPACK else _JSON
