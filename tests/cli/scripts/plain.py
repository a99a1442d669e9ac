"""A script as most are: python3 train.py --lr 1e-3 --steps 500 [--seed 1]. 64Ki tokens a step.

Prints a progress line every tenth of the way and "val_loss X" at the end. As W&B does, it takes the
run's name and group from the environment; it appends them to wandb.txt.
"""
import argparse
import os

import surface

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=3e-4)
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

if "WANDB_NAME" in os.environ:
    with open("wandb.txt", "a") as file:
        print(os.environ["WANDB_NAME"], os.environ.get("WANDB_RUN_GROUP"), file=file)
tokens = args.steps * 64 * 1024
for tenth in range(1, 11):
    step = args.steps * tenth // 10
    print(f"step {step}/{args.steps} | loss {surface.loss(args.lr, tokens, args.seed, tenth / 10):.4f}"
          f" | lr {args.lr:.2e}", flush=True)
print(f"val_loss {surface.loss(args.lr, tokens, args.seed):.5f}")
