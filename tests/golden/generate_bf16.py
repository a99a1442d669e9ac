#!/usr/bin/env python3
"""What bf16 makes of the configurations of generate.py, in two ways, from the same weights and tokens.

rounded.*: double precision, but each operand of a product is rounded to bf16 first, forward and
backward: what the trainer does, whose sums alone are fp32.
autocast.*: PyTorch's own bf16 autocast with fp32 weights, which also stores the results of products,
softmax and GELU in bf16.
Writes NAME.bf16.safetensors beside this file; tests/unit/test_golden.c compares the trainer with
both:  python3 generate_bf16.py  (Debian: python3-torch)
"""
import math
import os

import torch

import generate

NAMES = ["gpt-sp", "gpt-completep-lvp", "llama-mup", "llama-tied-qknorm-zloss"]


def rounded(x):
    return x.bfloat16().double()


class Product(torch.autograd.Function):
    """x (..., inputs) times weight (outputs, inputs), transposed"""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(rounded(x), rounded(weight))
        return rounded(x) @ rounded(weight).T

    @staticmethod
    def backward(ctx, d_out):
        x, weight = ctx.saved_tensors
        d_out = rounded(d_out)
        return d_out @ weight, torch.einsum("sto,sti->oi", d_out, x)


class Attention(torch.autograd.Function):
    """The probabilities of a row are multiplied before they are divided by their sum."""

    @staticmethod
    def forward(ctx, q, k, v, scale):
        time = q.shape[-2]
        future = torch.ones(time, time, dtype=torch.bool).triu(1)
        scores = (rounded(q) @ rounded(k).transpose(-1, -2)).masked_fill(future, -math.inf)
        scaled = scale * (scores - scores.amax(-1, keepdim=True))
        out = (rounded(scaled.exp()) @ rounded(v)) / scaled.exp().sum(-1, keepdim=True)
        ctx.save_for_backward(rounded(q), rounded(k), rounded(v), torch.softmax(scaled, -1), out)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx, d_out):
        q, k, v, p, out = ctx.saved_tensors
        d_p = rounded(d_out) @ v.transpose(-1, -2)
        d_scores = p * (d_p - (d_out * out).sum(-1, keepdim=True)) * ctx.scale
        d_scores, p, d_out = rounded(d_scores), rounded(p), rounded(d_out)
        return d_scores @ k, d_scores.transpose(-1, -2) @ q, p.transpose(-1, -2) @ d_out, None


def rounded_product(x, weight, bias=None):
    out = Product.apply(x, weight)
    return out if bias is None else out + bias


exact = {name: getattr(generate, name) for name in ("product", "attend", "rotate", "losses_of")}


def autocast_losses(*arguments):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return exact["losses_of"](*arguments)


WAYS = {
    "rounded": (torch.float64, {"product": rounded_product, "attend": Attention.apply}),
    "autocast": (torch.float32, {"losses_of": autocast_losses, # no complex numbers of bf16
                                 "rotate": lambda x: exact["rotate"](x.float()).float()}),
}


def compute(way, c, weights, tokens):
    kind, functions = WAYS[way]
    for name, function in {**exact, **functions}.items():
        setattr(generate, name, function)
    w = {name: t.detach().clone().to(kind).requires_grad_() for name, t in weights.items()}
    logits, _, whole = generate.losses_of(c, w, tokens[0])
    grads = torch.autograd.grad(whole, list(w.values()))
    out = {f"{way}.grad.{name}": g for name, g in zip(w, grads)}
    out[way + ".logits"] = logits.detach()
    out[way + ".losses"] = torch.tensor(generate.train(c, w, tokens), dtype=torch.float64)
    return out


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for number, (name, changes) in enumerate(generate.CONFIGS.items()):
        if name not in NAMES:
            continue
        c = dict(generate.BASE, **changes)
        generator = torch.Generator().manual_seed(number)
        weights = generate.draw(c, generator)
        tokens = generate.draw_tokens(c, generator)
        out = {}
        for way in WAYS:
            out.update(compute(way, c, weights, tokens))
        generate.write(os.path.join(here, name + ".bf16.safetensors"), out, {})
        print(name, *("%s %.4f -> %.4f" % (way, out[way + ".losses"][0], out[way + ".losses"][-1])
                      for way in WAYS))


if __name__ == "__main__":
    main()
