#!/usr/bin/env python3
"""Golden numbers of training.optimizer muon: the weights after 20 steps.

Gradients are those of generate.py, by PyTorch's autograd in double precision; Muon is written out
here with numpy, its steps of Newton-Schulz as the formula has them. Run it again only when the
mathematics is meant to change:  python3 generate_muon.py  (Debian: python3-torch, python3-numpy)
"""
import math
import os

import numpy as np
import torch

import generate

MUON = dict(optimizer="muon", muon_lr_scale="unit_rms", muon_momentum=0.95, vector_lr_ratio=1.0,
            embedding_lr_shift=0.0)
CONFIGS = {
    # twice the base width
    "gpt-muon-mup": dict(MUON, parametrization="mup", vector_lr_ratio=0.5, embedding_lr_shift=-0.5),
    "gpt-muon-original": dict(MUON, muon_lr_scale="original", muon_momentum=0.8, clip=0.0,
                              independent_decay=1, weight_decay=1e-2),
    "llama-muon-match": dict(MUON, **generate.LLAMA, parametrization="mup",
                             muon_lr_scale="match_rms"),
}


def orthogonalized(u):
    x = u.T if u.shape[0] > u.shape[1] else u
    x = x / (np.sqrt((x * x).sum()) + 1e-12)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if u.shape[0] > u.shape[1] else x


def scale(c, rows, cols):
    return {"unit_rms": math.sqrt(rows / cols),
            "match_rms": 0.2 * math.sqrt(max(rows, cols)),
            "original": math.sqrt(max(1, rows / cols))}[c["muon_lr_scale"]]


def separate(c, name):
    """How many matrices lie in a tensor, one below the other: q, k, v; gate, up."""
    if name.endswith("attn.qkv.weight"):
        return 3
    return 2 if c["arch"] == "llama" and name.endswith("mlp.fc.weight") else 1


def train(c, w, tokens):
    kinds = {name: kind for name, (_, kind, _) in generate.tensors_of(c).items()}
    m = {name: np.zeros(t.shape) for name, t in w.items()}
    v = {name: np.zeros(t.shape) for name, t in w.items()}
    width = c["d_model"] / c["base_width"]
    losses = []
    for step in range(1, generate.STEPS + 1):
        _, pure, whole = generate.losses_of(c, w, tokens[step - 1])
        losses.append(pure.item())
        grads = {n: g.numpy() for n, g in zip(w, torch.autograd.grad(whole, list(w.values())))}
        length = math.sqrt(sum((g * g).sum() for g in grads.values()))
        shrink = c["clip"] / (length + 1e-6) if c["clip"] and length > c["clip"] else 1.0
        at = generate.schedule(c, step)
        for name, tensor in w.items():
            kind, g, value = kinds[name], grads[name] * shrink, tensor.detach().numpy()
            by_width = 1.0
            if kind == "hidden" and c["parametrization"] == "mup" \
                    and c["muon_lr_scale"] == "match_rms":
                by_width = width ** -0.5
            if kind == "embedding":
                by_width = width ** c["embedding_lr_shift"]
            ratio = {"embedding": c["embedding_lr_ratio"], "output": c["output_lr_ratio"],
                     "hidden": 1.0}.get(kind, c["vector_lr_ratio"])
            lr = c["lr"] * at * ratio * by_width
            pull = 0.0
            if kind not in ("gain", "bias"):
                pull = at * c["weight_decay"]
                if not c["independent_decay"]:
                    pull *= c["lr"] * ratio
            value *= 1 - pull
            if kind == "hidden":
                m[name] = c["muon_momentum"] * m[name] + g
                u = g + c["muon_momentum"] * m[name]
                value -= np.concatenate([lr * scale(c, *part.shape) * orthogonalized(part)
                                         for part in np.split(u, separate(c, name))])
            else:
                m[name] = c["beta1"] * m[name] + (1 - c["beta1"]) * g
                v[name] = c["beta2"] * v[name] + (1 - c["beta2"]) * g * g
                value -= lr * (m[name] / (1 - c["beta1"] ** step)) / (
                    np.sqrt(v[name] / (1 - c["beta2"] ** step)) + c["adam_eps"])
    return losses


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for number, (name, changes) in enumerate(CONFIGS.items()):
        c = dict(generate.BASE, **changes)
        generator = torch.Generator().manual_seed(100 + number)
        w = generate.draw(c, generator)
        tokens = generate.draw_tokens(c, generator)
        out = {"param." + k: t.detach().clone() for k, t in w.items()}
        losses = train(c, w, tokens)
        out.update({"after." + k: t.detach() for k, t in w.items()})
        out["losses"] = torch.tensor(losses, dtype=torch.float64)
        out["tokens"] = tokens
        generate.write(os.path.join(here, name + ".safetensors"), out,
                       {k: v if isinstance(v, str) else repr(v) for k, v in c.items()})
        print(name, "%.4f -> %.4f" % (losses[0], losses[-1]))


if __name__ == "__main__":
    main()
