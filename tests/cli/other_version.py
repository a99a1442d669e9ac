"""other_version.py RUN_DIR WORD...: rewrites a run directory as another version of lrsearch would have
written it, with the checksums of the lines and the hash of the plan as they must be then.

-plan.SECTION.KEY          the resolved plan lacks the key
plan.SECTION.KEY=JSON      it has this value
-EVENT.KEY                 these events lack the key (.KEY.KEY: a nested one)
EVENT.KEY=JSON             they have this value; EVENT@2.KEY: the second of them alone
"""
import ctypes
import json
import re
import sys

XXHASH = ctypes.CDLL("libxxhash.so.0")
XXHASH.XXH3_64bits.restype = ctypes.c_uint64
XXHASH.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def xxh3(text):
    data = text.encode()
    return XXHASH.XXH3_64bits(data, len(data))


def change(owner, keys, value):  # value None: without the key
    for key in keys[:-1]:
        owner = owner[key]
    if value is None:
        del owner[keys[-1]]
    else:
        owner[keys[-1]] = json.loads(value)


def main(run_dir, words):
    with open(f"{run_dir}/plan.resolved.json", encoding="utf-8") as file:
        plan = json.load(file)
    with open(f"{run_dir}/journal.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    for word in words:
        name, value = re.fullmatch(r"-?([^=]+)(?:=(.*))?", word).groups()
        assert word.startswith("-") == (value is None), word
        first, *keys = name.split(".")
        if first == "plan":
            change(plan, keys, value)
            continue
        kind, _, which = first.partition("@")
        found = [event for event in events if event["event"] == kind]
        for event in [found[int(which) - 1]] if which else found:
            change(event, keys, value)
    text = json.dumps(plan, indent=2) + "\n"
    for event in events:
        if event["event"] == "campaign":
            event["plan_hash"] = str(xxh3(text))
    with open(f"{run_dir}/plan.resolved.json", "w", encoding="utf-8") as file:
        file.write(text)
    with open(f"{run_dir}/journal.jsonl", "w", encoding="utf-8") as file:
        for event in events:
            event.pop("crc")
            body = json.dumps(event, separators=(",", ":"))[:-1]
            file.write(f'{body},"crc":"{xxh3(body) & 0xffffffff:08x}"}}\n')


main(sys.argv[1], sys.argv[2:])
