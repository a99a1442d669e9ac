"""A small GPT in PyTorch, for plans/command-pytorch.yaml (made-up text) and plans/proof-command.yaml (--text).

What makes it a trainer of lrsearch is report(): a JSON object a line, on the descriptor that
LRSEARCH_REPORT_FD names. Without lrsearch it prints them. Told to stop (SIGTERM), it saves where it
is in LRSEARCH_CHECKPOINT, and goes on from there when it is started again.
"""
import argparse
import gzip
import json
import math
import os
import signal
import sys

import torch
from torch import nn
from torch.nn import functional as F

CONTEXT, BATCH = 32, 16


def report(**what):
    """One line to lrsearch. json writes a loss that is not finite as NaN, which is understood."""
    os.write(int(os.environ.get("LRSEARCH_REPORT_FD", "1")), (json.dumps(what) + "\n").encode())


class MadeUp:
    """Made-up text: a token follows from the one before it, three times in four."""
    vocab = 64

    def __init__(self, tokens, seed):
        self.train = self.text(tokens // CONTEXT * (CONTEXT + 1), 1000 + seed)
        self.held_out = self.text(256 * (CONTEXT + 1), 7)

    def text(self, tokens, seed):
        draw = torch.Generator().manual_seed(seed)
        noise = torch.randint(self.vocab, (tokens,), generator=draw).tolist()
        kept = (torch.rand(tokens, generator=draw) < 0.75).tolist()
        out = noise[:1]
        for i in range(1, tokens):
            out.append((5 * out[-1] + 1) % self.vocab if kept[i] else noise[i])
        return torch.tensor(out).view(-1, CONTEXT + 1)

    def batch(self, step):
        return self.train[(step - 1) * BATCH:step * BATCH]


class Bytes:
    """The bytes of a file, plain or gzip: sequences from anywhere but its end, which is held out."""
    vocab = 256

    def __init__(self, path, seed):
        self.seed = seed
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if zipped else open)(path, "rb") as file:
            data = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
        held_out = 1024 * (CONTEXT + 1)
        if len(data) < 2 * held_out:
            sys.exit(f"{path}: {len(data)} bytes are too few, {2 * held_out} are needed")
        self.train, self.held_out = data[:-held_out], data[-held_out:].view(-1, CONTEXT + 1).long()

    def batch(self, step):
        draw = torch.Generator().manual_seed(self.seed << 32 | step)
        starts = torch.randint(len(self.train) - CONTEXT, (BATCH,), generator=draw).tolist()
        return torch.stack([self.train[start:start + CONTEXT + 1] for start in starts]).long()


class Block(nn.Module):
    def __init__(self, width, heads=2):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.register_buffer("mask", torch.triu(torch.full((CONTEXT, CONTEXT), -math.inf), 1))

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = (p.view(n, t, self.heads, -1).transpose(1, 2)
                   for p in self.qkv(self.norm1(x)).split(width, dim=2))
        weights = (q @ k.transpose(-2, -1) / math.sqrt(width / self.heads) + self.mask).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, width))
        return x + self.mlp(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, vocab, width, layers=2):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocab, bias=False)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.places.weight)))


def loss_of(model, sequences):
    logits = model(sequences[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), sequences[:, 1:].reshape(-1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--text", help="a file to train on, instead of made-up text")
    args = parser.parse_args()
    told_to_stop = []
    signal.signal(signal.SIGTERM, lambda *_: told_to_stop.append(True))
    torch.manual_seed(args.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    data = Bytes(args.text, args.seed) if args.text else MadeUp(args.tokens, args.seed)
    model = Gpt(data.vocab, args.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.1)
    steps = max(1, args.tokens // (BATCH * CONTEXT))
    warmup = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, 0.55 + 0.45 * math.cos(math.pi * s / steps)))

    checkpoint, begun = os.environ.get("LRSEARCH_CHECKPOINT", ""), 0
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint)
        begun = saved.pop("step")
        for name, state in saved.items():
            parts[name].load_state_dict(state)
    where = {"begun_tokens": begun * BATCH * CONTEXT} if begun else {}

    for step in range(begun + 1, steps + 1):
        loss = loss_of(model, data.batch(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 10 == 0 or not math.isfinite(loss.item()):
            report(tokens=step * BATCH * CONTEXT, loss=loss.item(), **where)
        if told_to_stop:
            if checkpoint:
                state = {name: part.state_dict() for name, part in parts.items()}
                torch.save({**state, "step": step}, checkpoint + ".new")
                os.replace(checkpoint + ".new", checkpoint)
            sys.exit("told to stop")
    with torch.no_grad():
        losses = torch.stack([loss_of(model, s[None]) for s in data.held_out])
    report(tokens=steps * BATCH * CONTEXT, loss=losses.mean().item(),
           loss_se=(losses.std() / math.sqrt(len(losses))).item(), final=True, **where)


if __name__ == "__main__":
    main()
