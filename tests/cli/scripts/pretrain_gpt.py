"""Stand-in for Megatron-LM's pretrain_gpt.py: its options, and its lines on stdout.

At the end it evaluates the validation set and then the test set, whose loss is another one. A loss
that is NaN ends it with a traceback (--check-for-nan-in-loss-and-grad is the default there). The last
rank alone prints.
"""
import argparse
import math
import os

import surface

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--train-iters", type=int, required=True)
parser.add_argument("--global-batch-size", type=int, default=512)
parser.add_argument("--seq-length", type=int, default=2048)
parser.add_argument("--lr-decay-iters", type=int)
parser.add_argument("--lr-warmup-fraction", type=float)
parser.add_argument("--seed", type=int, default=1234)
parser.add_argument("--eval-interval", type=int, default=1000)
parser.add_argument("--log-interval", type=int, default=100)
for name in ("min-lr", "lr-decay-style", "micro-batch-size", "num-layers", "hidden-size",
             "num-attention-heads", "max-position-embeddings", "eval-iters", "weight-decay",
             "data-path", "split", "vocab-file", "merge-file", "tokenizer-type"):
    parser.add_argument("--" + name)
for name in "bf16", "use-flash-attn":
    parser.add_argument("--" + name, action="store_true")
args = parser.parse_args()

iters = args.train_iters
tokens = iters * args.global_batch_size * args.seq_length


def print_rank_last(*lines):
    if os.environ.get("RANK", "0") == str(int(os.environ.get("WORLD_SIZE", "1")) - 1):
        print(*lines, sep="\n", flush=True)


def evaluate(prefix, loss):
    line = (f" validation loss at {prefix} | lm loss value: {loss:.6E} | "
            f"lm loss PPL: {math.exp(min(20, loss)):.6E} | ")
    print_rank_last("-" * (len(line) + 1), line, "-" * (len(line) + 1))


for i in range(1, iters + 1):
    loss = surface.loss(args.lr, tokens, args.seed, i / iters)
    if math.isnan(loss):
        raise RuntimeError(f"Rank 0, node host, device 0, iteration {i}: Unexpected result nan "
                           "(message='found NaN in local forward loss calculation')")
    if i % args.log_interval == 0:
        print_rank_last(
            f" [2026-11-30 09:00:00] iteration {i:8d}/{iters:8d} | consumed samples: "
            f"{i * args.global_batch_size:12d} | elapsed time per iteration (ms): 512.1 | "
            f"learning rate: {args.lr:.6E} | global batch size: {args.global_batch_size:5d} | "
            f"lm loss: {loss:.6E} | loss scale: 1.0 | grad norm: 0.412 | "
            "number of skipped iterations:   0 | number of nan iterations:   0 |")
    if i % args.eval_interval == 0:
        evaluate(f"iteration {i}", loss)
evaluate(f"iteration {iters} on validation set", loss)
evaluate(f"iteration {iters} on test set", loss + 0.3 * args.lr / (args.lr + 1e-3))
