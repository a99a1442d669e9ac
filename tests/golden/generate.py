#!/usr/bin/env python3
"""Golden numbers for the trainer, from an implementation that shares nothing with it.

Writes *.safetensors beside this file: for each configuration below the weights, the tokens, and
what PyTorch makes of them in double precision: logits, every gradient (by autograd), and the losses
of 20 AdamW steps. tests/unit/test_golden.c compares the trainer with them. Run it again only when
the mathematics is meant to change:  python3 generate.py  (Debian: python3-torch)
"""
import json
import math
import os
import struct

import torch

STEPS, SEQUENCES = 20, 2
BASE = dict(arch="gpt", parametrization="sp", d_model=12, n_layers=2, n_heads=3, d_ff=48, context=7,
            vocab=29, base_width=6, base_head_size=2, base_layers=2, depth_rule="none",
            tied_output=0, qk_norm=0, z_loss=0.0, independent_decay=0, lr=1e-2,
            embedding_lr_ratio=3.0, output_lr_ratio=0.5, warmup=0.1, final_lr=0.1, weight_decay=0.1,
            beta1=0.9, beta2=0.95, adam_eps=1e-8, clip=1.0)
LLAMA = dict(arch="llama", d_ff=32)
CONFIGS = {
    "gpt-sp": {},
    "gpt-mup": dict(parametrization="mup"),
    "gpt-lvp": dict(parametrization="lvp"),
    "llama-sp": dict(LLAMA),
    "llama-mup": dict(LLAMA, parametrization="mup"),
    "llama-lvp": dict(LLAMA, parametrization="lvp"),
    "gpt-tied-qknorm": dict(tied_output=1, qk_norm=1, output_lr_ratio=1.0, clip=0.0),
    "llama-tied-qknorm-zloss": dict(LLAMA, parametrization="mup", tied_output=1, qk_norm=1,
                                    z_loss=1e-2, output_lr_ratio=1.0),
    "gpt-completep-lvp": dict(parametrization="lvp", depth_rule="completep", n_layers=3,
                              base_layers=1, adam_eps=1e-3),
    "llama-completep": dict(LLAMA, parametrization="mup", depth_rule="completep", n_layers=4,
                            base_head_size=4, independent_decay=1, weight_decay=1e-2,
                            adam_eps=1e-3),
}


def tensors_of(c):
    """name -> (shape, kind, documented standard deviation at the start)"""
    d, f, head = c["d_model"], c["d_ff"], c["d_model"] // c["n_heads"]
    gpt = c["arch"] == "gpt"
    m = c["d_model"] / c["base_width"]
    hidden = 0.02 / math.sqrt(m) if c["parametrization"] != "sp" else 0.02
    layers = c["base_layers"] if c["depth_rule"] == "completep" else c["n_layers"]
    into_stream = hidden / math.sqrt(2 * layers)
    out = {"wte.weight": ((c["vocab"], d), "embedding", 0.02)}
    if gpt:
        out["wpe.weight"] = ((c["context"], d), "embedding", 0.02)

    def affine(name, shape, kind, std):
        out[name + ".weight"] = (shape, kind, std)
        if gpt:
            out[name + ".bias"] = ((shape[0],), "bias", 0.0)

    for i in range(c["n_layers"]):
        b = f"blocks.{i}."
        affine(b + "ln1", (d,), "gain", 0.0)
        affine(b + "attn.qkv", (3 * d, d), "hidden", hidden)
        if c["qk_norm"]:
            out[b + "attn.q_norm.weight"] = ((head,), "gain", 0.0)
            out[b + "attn.k_norm.weight"] = ((head,), "gain", 0.0)
        affine(b + "attn.proj", (d, d), "hidden", into_stream)
        affine(b + "ln2", (d,), "gain", 0.0)
        affine(b + "mlp.fc", (f if gpt else 2 * f, d), "hidden", hidden)
        affine(b + "mlp.proj", (d, f), "hidden", into_stream)
    affine("lnf", (d,), "gain", 0.0)
    if not c["tied_output"]:
        out["head.weight"] = ((c["vocab"], d), "output", 0.02)
    return out


def draw(c, generator):
    """Livelier than at a real start, so that every gradient is far from zero."""
    weights = {}
    for name, (shape, kind, std) in tensors_of(c).items():
        noise = torch.randn(shape, generator=generator, dtype=torch.float64)
        value = {"gain": 1 + 0.1 * noise, "bias": 0.1 * noise}.get(kind, 10 * std * noise)
        weights[name] = value.float().double().requires_grad_()  # exact as fp32
    return weights


def draw_tokens(c, generator):
    return torch.randint(c["vocab"], (STEPS, SEQUENCES, c["context"] + 1), generator=generator)


def rms(x, gain):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * gain


def norm(c, w, name, x):
    if c["arch"] == "gpt":
        return torch.nn.functional.layer_norm(x, x.shape[-1:], w[name + ".weight"],
                                              w[name + ".bias"], 1e-5)
    return rms(x, w[name + ".weight"])


def product(x, weight, bias=None):
    return torch.nn.functional.linear(x, weight, bias)


def linear(w, name, x):
    return product(x, w[name + ".weight"], w.get(name + ".bias"))


def rotate(x):
    """x: (sequences, heads, time, channels); complex numbers of channels i and i + half"""
    half = x.shape[-1] // 2
    time = torch.arange(x.shape[-2], dtype=torch.float64)
    frequency = 10000.0 ** (-2 * torch.arange(half, dtype=torch.float64) / x.shape[-1])
    turn = torch.polar(torch.ones(len(time), half, dtype=torch.float64),
                       time[:, None] * frequency[None, :])
    turned = torch.complex(x[..., :half], x[..., half:]) * turn
    return torch.cat([turned.real, turned.imag], -1)


def attend(q, k, v, scale):
    """q, k, v: (sequences, heads, time, channels)"""
    time = q.shape[-2]
    scores = scale * q @ k.transpose(-1, -2)
    future = torch.ones(time, time, dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(future, -math.inf), -1) @ v


def attention(c, w, b, x):
    batch, time, d = x.shape
    heads, head = c["n_heads"], d // c["n_heads"]
    q, k, v = (t.view(batch, time, heads, head).transpose(1, 2)
               for t in linear(w, b + "attn.qkv", x).split(d, -1))
    if c["qk_norm"]:
        q, k = rms(q, w[b + "attn.q_norm.weight"]), rms(k, w[b + "attn.k_norm.weight"])
    if c["arch"] == "llama":
        q, k = rotate(q), rotate(k)
    scale = 1 / math.sqrt(head) if c["parametrization"] == "sp" \
        else math.sqrt(c["base_head_size"]) / head
    mixed = attend(q, k, v, scale)
    return linear(w, b + "attn.proj", mixed.transpose(1, 2).reshape(batch, time, d))


def mlp(c, w, b, x):
    x = linear(w, b + "mlp.fc", x)
    if c["arch"] == "gpt":
        x = torch.nn.functional.gelu(x, approximate="tanh")
    else:
        gate, up = x.chunk(2, -1)
        x = torch.nn.functional.silu(gate) * up
    return linear(w, b + "mlp.proj", x)


def logits_of(c, w, tokens):
    branch = c["base_layers"] / c["n_layers"] if c["depth_rule"] == "completep" else 1.0
    x = w["wte.weight"][tokens]
    if c["arch"] == "gpt":
        x = x + w["wpe.weight"]
    for i in range(c["n_layers"]):
        b = f"blocks.{i}."
        x = x + branch * attention(c, w, b, norm(c, w, b + "ln1", x))
        x = x + branch * mlp(c, w, b, norm(c, w, b + "ln2", x))
    head = w["wte.weight"] if c["tied_output"] else w["head.weight"]
    logits = product(norm(c, w, "lnf", x), head)
    return logits if c["parametrization"] == "sp" else logits * c["base_width"] / c["d_model"]


def losses_of(c, w, batch):
    """cross-entropy, and what is differentiated"""
    logits = logits_of(c, w, batch[:, :-1])
    pure = torch.nn.functional.cross_entropy(logits.reshape(-1, c["vocab"]),
                                             batch[:, 1:].reshape(-1))
    return logits, pure, pure + c["z_loss"] * torch.logsumexp(logits, -1).square().mean()


def factors(c, name, kind):
    """of LR, weight decay and eps"""
    m = c["d_model"] / c["base_width"]
    scaled = c["parametrization"] != "sp"
    by_width = 1.0
    if kind == "hidden" and scaled:
        by_width = 1 / m
    if kind == "embedding" and c["parametrization"] == "lvp":
        by_width = m ** -0.5
    ratio = {"embedding": c["embedding_lr_ratio"], "output": c["output_lr_ratio"]}.get(kind, 1.0)
    decay = 0.0 if kind in ("gain", "bias") else 1.0 if c["independent_decay"] else 1 / by_width
    eps = 1.0
    if c["depth_rule"] == "completep":
        eps = 1 / m if scaled else 1.0
        if name.startswith("blocks."):
            eps *= c["base_layers"] / c["n_layers"]
    return ratio * by_width, decay, eps


def schedule(c, step):
    warmup = math.floor(c["warmup"] * STEPS)
    if step <= warmup:
        return step / warmup
    share = (step - warmup) / (STEPS - warmup)
    return c["final_lr"] + (1 - c["final_lr"]) * (1 + math.cos(math.pi * share)) / 2


def train(c, w, tokens):
    kinds = {name: kind for name, (_, kind, _) in tensors_of(c).items()}
    first = {name: torch.zeros_like(t) for name, t in w.items()}
    second = {name: torch.zeros_like(t) for name, t in w.items()}
    losses = []
    for step in range(1, STEPS + 1):
        _, pure, whole = losses_of(c, w, tokens[step - 1])
        losses.append(pure.item())
        grads = dict(zip(w, torch.autograd.grad(whole, list(w.values()))))
        length = math.sqrt(sum((g * g).sum().item() for g in grads.values()))
        shrink = c["clip"] / (length + 1e-6) if c["clip"] and length > c["clip"] else 1.0
        at = schedule(c, step)
        with torch.no_grad():
            for name, t in w.items():
                lr, decay, eps = factors(c, name, kinds[name])
                g = grads[name] * shrink
                first[name] = c["beta1"] * first[name] + (1 - c["beta1"]) * g
                second[name] = c["beta2"] * second[name] + (1 - c["beta2"]) * g * g
                mean = first[name] / (1 - c["beta1"] ** step)
                square = second[name] / (1 - c["beta2"] ** step)
                pull = at * c["weight_decay"] * decay
                if not c["independent_decay"]:
                    pull *= c["lr"] * lr
                t.mul_(1 - pull)
                t.sub_(c["lr"] * at * lr * mean / (square.sqrt() + c["adam_eps"] * eps))
    return losses


def write(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        integer = not tensor.dtype.is_floating_point
        raw = (tensor.int() if integer else tensor.float()).contiguous().numpy().tobytes()
        header[name] = {"dtype": "I32" if integer else "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for number, (name, changes) in enumerate(CONFIGS.items()):
        c = dict(BASE, **changes)
        generator = torch.Generator().manual_seed(number)
        w = draw(c, generator)
        tokens = draw_tokens(c, generator)
        out = {"param." + k: t.detach().clone() for k, t in w.items()}
        logits, _, whole = losses_of(c, w, tokens[0])
        grads = torch.autograd.grad(whole, list(w.values()))
        out.update({"grad." + k: g for k, g in zip(w, grads)})
        out.update({"init_std." + k: torch.tensor([std], dtype=torch.float64)
                    for k, (_, _, std) in tensors_of(c).items()})
        out["logits"] = logits.detach()
        out["losses"] = torch.tensor(train(c, w, tokens), dtype=torch.float64)
        out["tokens"] = tokens
        write(os.path.join(here, name + ".safetensors"), out,
              {k: v if isinstance(v, str) else repr(v) for k, v in c.items()})
        print(name, "%.4f -> %.4f" % (out["losses"][0], out["losses"][-1]))


if __name__ == "__main__":
    main()
