"""One size of `lrsearch bench train` in PyTorch: the same model and the same work a step (forward,
backward, clip by global norm, AdamW), on random tokens. Prints one line of JSON.

    pytorch_gpt.py SIZE VARIANT PRECISION --peak LIBRARY [--threads N] [--seconds S]
    pytorch_gpt.py --core           prints the version, and the CPU that OpenBLAS takes this one for

LIBRARY is worker/kernels/peak.c as a shared library: the peak is measured around each step, by the
same code as in the program. PRECISION bf16 is autocast, as people train.

It is tuned as far as stock PyTorch goes: an additive mask made once, one product for queries, keys
and values, AdamW over all tensors at once (fused, where there is one), gradients dropped rather than
zeroed."""
import argparse
import contextlib
import ctypes
import json
import math
import re
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
VARIANTS = ("eager", "traced", "sdpa", "compiled")
PEAK_S = 0.0005


class Block(nn.Module):
    def __init__(self, d, heads, context, by_sdpa):
        super().__init__()
        self.heads, self.size, self.by_sdpa = heads, d // heads, by_sdpa
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc, self.mlp_proj = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        mask = torch.full((context, context), -math.inf).triu(1)
        self.register_buffer("mask", mask)

    def attention(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        if self.by_sdpa:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.proj(y.transpose(1, 2).reshape(b, t, d))
        scores = (q * (1 / math.sqrt(self.size))) @ k.transpose(-2, -1) + self.mask
        y = torch.softmax(scores, -1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.mlp_proj(F.gelu(self.fc(self.ln2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, d, layers, heads, context, vocab, by_sdpa):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(context, d)
        self.blocks = nn.ModuleList(Block(d, heads, context, by_sdpa) for _ in range(layers))
        self.lnf, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, labels):
        x = self.wte(tokens) + self.wpe.weight
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.lnf(x)).flatten(0, 1), labels.flatten())


class Peak:
    """A core's peak by the best instructions for the precision; a sample takes about PEAK_S seconds."""

    def __init__(self, path, bf16):
        library = ctypes.CDLL(path)
        library.peak_best.argtypes = [ctypes.c_bool]
        library.peak_loop.argtypes, library.peak_loop.restype = [ctypes.c_int, ctypes.c_size_t], ctypes.c_double
        self.loop, self.kind, self.rounds = library.peak_loop, library.peak_best(bf16), 1000
        names = (ctypes.c_char_p * (self.kind + 1)).in_dll(library, "peak_names")
        self.name = names[self.kind].decode()
        while self.sample()[1] < PEAK_S:
            self.rounds *= 2

    def sample(self):
        self.loop(self.kind, self.rounds // 8)
        start = time.thread_time()
        flops = self.loop(self.kind, self.rounds)
        return flops, time.thread_time() - start

    def rate(self):
        flops, seconds = self.sample()
        return flops / seconds


def openblas_core():
    """None without OpenBLAS."""
    with open("/proc/self/maps") as maps:
        paths = set(re.findall(r"(/\S*(?:openblas|/libblas)\S*)", maps.read()))
    for path in sorted(paths):
        core = getattr(ctypes.CDLL(path), "openblas_get_corename", None)
        if core:
            core.restype = ctypes.c_char_p
            return core().decode()
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=SIZES, nargs="?")
    parser.add_argument("variant", choices=VARIANTS, nargs="?")
    parser.add_argument("precision", choices=["fp32", "bf16"], nargs="?")
    parser.add_argument("--core", action="store_true")
    parser.add_argument("--peak")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    args = parser.parse_args()
    if args.core:
        torch.ones(64, 64) @ torch.ones(64, 64)
        print(json.dumps({"torch": torch.__version__, "core": openblas_core()}))
        return
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    d, layers, heads, context, vocab, sequences = SIZES[args.size]
    bf16 = args.precision == "bf16"
    # compiled by whichever is the faster: in bf16 PyTorch 2.6 has a slow SDPA
    by_sdpa = args.variant == "sdpa" or (args.variant == "compiled" and not bf16)
    model = GPT(d, layers, heads, context, vocab, by_sdpa)
    fused = int(torch.__version__.split(".")[0]) >= 2
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, **{"fused" if fused else "foreach": True}
    )
    tokens = torch.randint(vocab, (32, sequences, context + 1))

    def precision():
        return torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()

    loss_of = model
    if args.variant == "traced":
        loss_of = torch.jit.trace(model, (tokens[0, :, :-1], tokens[0, :, 1:]))
    elif args.variant == "compiled":
        loss_of = torch.compile(model)

    def step(i):
        batch = tokens[i % len(tokens)]
        optimizer.zero_grad(set_to_none=True)
        with precision():
            loss = loss_of(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    # as the program's own bench: CPU time, since the machine may be shared
    now = time.process_time if args.threads == 1 else time.perf_counter
    peak = Peak(args.peak, bf16)
    flops = 72 * layers * d**2 + 12 * layers * d * context + 6 * d * vocab
    for i in range(3):
        step(i)
    rates, shares, peaks, spent, before = [], [], [], 0, peak.rate()
    while len(rates) < 3 or spent < args.seconds:
        start = now()
        step(len(rates))
        seconds = now() - start
        after = peak.rate()
        rates.append(sequences * context / seconds)
        peaks.append(args.threads * (before + after) / 2)
        shares.append(rates[-1] * flops / peaks[-1])
        spent, before = spent + seconds, after
    result = {"tokens_per_s": rates, "share_of_peak": shares, "peak_gflops": [p / 1e9 for p in peaks]}
    result = {name: statistics.median(values) for name, values in result.items()}
    print(json.dumps(dict(result, instructions=peak.name)))


main()
