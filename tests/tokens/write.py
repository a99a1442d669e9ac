#!/usr/bin/env python3
"""Writes the token files beside this script with numpy, as the pipelines of others do, so that what
reads them is not checked against itself. Token i of the stream is (7919 i + i // 97) % vocab; a
shard goes on where the one before it ends.

    python3 tests/tokens/write.py        (needs python3-numpy)
"""
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def stream(first, count, vocab):
    i = np.arange(first, first + count, dtype=np.int64)
    return (7919 * i + i // 97) % vocab


def llmc(name, tokens, dtype):
    header = np.zeros(256, dtype="<i4")
    header[:3] = (20240520, 1, len(tokens)) if dtype == "<u2" else (20240801, 7, len(tokens))
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(header.tobytes())
        file.write(tokens.astype(dtype).tobytes())


def nanogpt(name, tokens):
    tokens.astype("<u2").tofile(os.path.join(HERE, name))


def megatron(name, tokens, dtype, code, lengths, documents):
    """lengths: of the sequences; documents: first sequence of each, and the end."""
    assert sum(lengths) == len(tokens) and documents[-1] == len(lengths)
    size = np.dtype(dtype).itemsize
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]) * size
    tokens.astype(dtype).tofile(os.path.join(HERE, name + ".bin"))
    with open(os.path.join(HERE, name + ".idx"), "wb") as file:
        file.write(b"MMIDIDX\x00\x00")
        file.write(np.array([1], dtype="<u8").tobytes())
        file.write(np.array([code], dtype="<u1").tobytes())
        file.write(np.array([len(lengths), len(documents)], dtype="<u8").tobytes())
        file.write(np.array(lengths, dtype="<i4").tobytes())
        file.write(offsets.astype("<i8").tobytes())
        file.write(np.array(documents, dtype="<i8").tobytes())


llmc("llmc_train_000.bin", stream(0, 700, 1000), "<u2")
llmc("llmc_train_001.bin", stream(700, 500, 1000), "<u2")
llmc("llmc_val_000.bin", stream(1200, 300, 1000), "<u2")
llmc("wide_000.bin", stream(0, 600, 70000), "<u4")
nanogpt("nanogpt.bin", stream(0, 800, 1000))
lengths = [100, 50, 150, 200, 60, 40]
megatron("megatron_u8", stream(0, 600, 200), "<u1", 1, lengths, [0, 2, 3, 4, 6])
megatron("megatron_u16", stream(0, 600, 1000), "<u2", 8, lengths, [0, 2, 3, 4, 6])
megatron("megatron_i32", stream(0, 600, 70000), "<i4", 4, lengths, [0, 2, 3, 4, 6])
