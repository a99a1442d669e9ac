"""Stand-in for nanoGPT's train.py: python3 train.py [CONFIG.py] [--key=value]...

As there, a value must have the type of the default that it replaces, an evaluation takes place at
each multiple of eval_interval from 0 to max_iters, the seed is fixed, and under torchrun the ranks
share the gradient accumulation and rank 0 alone prints.
"""
import ast
import os
import socket
import sys

import surface

config = dict(
    out_dir="out", eval_interval=2000, log_interval=1, eval_iters=200, eval_only=False,
    always_save_checkpoint=True, init_from="scratch", wandb_log=False, wandb_project="owt",
    wandb_run_name="gpt2", dataset="openwebtext", gradient_accumulation_steps=5 * 8, batch_size=12,
    block_size=1024, n_layer=12, n_head=12, n_embd=768, dropout=0.0, bias=False, learning_rate=6e-4,
    max_iters=600000, weight_decay=1e-1, beta1=0.9, beta2=0.95, grad_clip=1.0, decay_lr=True,
    warmup_iters=2000, lr_decay_iters=600000, min_lr=6e-5, backend="nccl", device="cuda",
    dtype="bfloat16", compile=True)


def configure(words):
    for word in words:
        if "=" not in word: # a file that sets some of them
            assert not word.startswith("--")
            print(f"Overriding config with {word}:")
            with open(word) as file:
                exec(file.read(), config)
            continue
        assert word.startswith("--")
        key, text = word[2:].split("=")
        if key not in config:
            raise ValueError(f"Unknown config key: {key}")
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            value = text
        assert type(value) is type(config[key])
        print(f"Overriding: {key} = {value}")
        config[key] = value


def mean_over_ranks(value):
    """What all_reduce does: by the store that torchrun has opened on the master port."""
    with socket.create_connection((os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))) as link:
        link.sendall(f"{value}\n".encode())
        return float(link.makefile().readline())


configure(sys.argv[1:])
ranks = int(os.environ.get("WORLD_SIZE", "1"))
master = int(os.environ.get("RANK", "0")) == 0
config["gradient_accumulation_steps"] //= ranks
tokens_per_iter = (config["gradient_accumulation_steps"] * ranks * config["batch_size"]
                   * config["block_size"])
print(f"tokens per iteration will be: {tokens_per_iter:,}")
lr, iters = config["learning_rate"], config["max_iters"]
if config["decay_lr"] and config["lr_decay_iters"] != iters:
    lr *= 3 # not cooled down: the best learning rate is about three times lower
if master:
    os.makedirs(config["out_dir"], exist_ok=True)
for i in range(iters + 1):
    if i % config["eval_interval"] == 0:
        loss = surface.loss(lr, iters * tokens_per_iter, 1337, i / iters)
        loss = mean_over_ranks(loss) if ranks > 1 else loss
        if master:
            print(f"step {i}: train loss {loss - 0.01:.4f}, val loss {loss:.4f}")
            if i > 0 and config["always_save_checkpoint"]:
                print(f"saving checkpoint to {config['out_dir']}")
                with open(os.path.join(config["out_dir"], "ckpt.pt"), "w") as file:
                    file.write(f"iteration {i}\n")
    if i % config["log_interval"] == 0 and master:
        print(f"iter {i}: loss {surface.loss(lr, iters * tokens_per_iter, 0, i / iters):.4f}, "
              "time 251.37ms, mfu 39.60%")
