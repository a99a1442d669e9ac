"""One size of `lrsearch bench train` in PyTorch: the same model and the same work a step (forward,
backward, clip by global norm, AdamW), on random tokens. Prints one line of JSON.

    pytorch_gpt.py SIZE eager|traced --peak LIBRARY [--threads N] [--seconds S]

LIBRARY is worker/kernels/peak.c as a shared library: the FMA peak is measured around each step, by the
same code as in the program.

It is tuned as far as stock PyTorch goes: an additive mask made once, one product for queries, keys
and values, AdamW over all tensors at once, gradients dropped rather than zeroed."""
import argparse
import ctypes
import json
import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

# d_model, n_layers, n_heads, context, vocab, sequences: as in orchestrator/cli/bench.c
SIZES = {
    "XS": (64, 2, 2, 128, 256, 16),
    "S": (128, 4, 4, 256, 4096, 8),
    "M": (256, 6, 8, 256, 8192, 8),
    "L": (512, 8, 8, 512, 32768, 4),
}


class Block(nn.Module):
    def __init__(self, d, heads, context):
        super().__init__()
        self.heads, self.size = heads, d // heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc, self.mlp_proj = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        mask = torch.full((context, context), -math.inf).triu(1)
        self.register_buffer("mask", mask)

    def attention(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        scores = (q * (1 / math.sqrt(self.size))) @ k.transpose(-2, -1) + self.mask
        y = torch.softmax(scores, -1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.mlp_proj(F.gelu(self.fc(self.ln2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, d, layers, heads, context, vocab):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(context, d)
        self.blocks = nn.ModuleList(Block(d, heads, context) for _ in range(layers))
        self.lnf, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, labels):
        x = self.wte(tokens) + self.wpe.weight
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.lnf(x)).flatten(0, 1), labels.flatten())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("variant", choices=["eager", "traced"])
    parser.add_argument("--peak", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    d, layers, heads, context, vocab, sequences = SIZES[args.size]
    model = GPT(d, layers, heads, context, vocab)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, foreach=True
    )
    tokens = torch.randint(vocab, (32, sequences, context + 1))
    loss_of = model
    if args.variant == "traced":
        loss_of = torch.jit.trace(model, (tokens[0, :, :-1], tokens[0, :, 1:]))

    def step(i):
        batch = tokens[i % len(tokens)]
        optimizer.zero_grad(set_to_none=True)
        loss_of(batch[:, :-1], batch[:, 1:]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    # as the program's own bench: CPU time, since the machine may be shared
    now = time.process_time if args.threads == 1 else time.perf_counter
    library = ctypes.CDLL(args.peak)
    library.peak_loop.argtypes, library.peak_loop.restype = [ctypes.c_size_t], ctypes.c_double

    def peak():
        start = time.thread_time()
        flops = library.peak_loop(500000)  # some milliseconds
        return args.threads * flops / (time.thread_time() - start)

    flops = 72 * layers * d**2 + 12 * layers * d * context + 6 * d * vocab
    for i in range(3):
        step(i)
    rates, shares, spent, before = [], [], 0, peak()
    while len(rates) < 3 or spent < args.seconds:
        start = now()
        step(len(rates))
        seconds = now() - start
        after = peak()
        rates.append(sequences * context / seconds)
        shares.append(rates[-1] * flops / ((before + after) / 2))
        spent, before = spent + seconds, after
    result = {"tokens_per_s": rates, "share_of_peak": shares}
    print(json.dumps({name: statistics.median(values) for name, values in result.items()}))


main()
