"""The option `--expect` of verifications: a seal that was noted earlier."""

import click


class SealType(click.ParamType[tuple[int, bytes]]):
    """Converts `SEQ:HASH` to the number and the hash of a record."""

    name = "SEQ:HASH"

    def convert(
        self, value: str | tuple[int, bytes], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, bytes]:
        if isinstance(value, tuple):
            return value
        seq, _, digest = value.partition(":")
        try:
            return int(seq), bytes.fromhex(digest)
        except ValueError:
            self.fail("not SEQ:HASH, e.g. 1200:9f86d0…", param, ctx)


SEAL = SealType()
