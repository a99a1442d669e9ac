"""usage: schema.py SCHEMA.json FOLDER...

Judges plans by the schema: each FOLDER/N.yaml must be accepted where lrsearch accepts it (N.errors is
empty or missing), and refused where lrsearch's errors are of a kind that a schema sees."""
import glob
import json
import os
import re
import sys

import jsonschema
import yaml

SEEN = re.compile("unknown key|missing|expected|out of range|unknown value|not a whole|is empty|"
                  "there is twice|not available|has no value")
# What YAML does not hand on, the range of a count or time that is a text: 8d, 1e40, and
# placeholders.
BLIND = re.compile('the quoted text|found "yes"|: [0-9.]+(e[0-9]+|[smhdkMBT]i?) is out of range|at byte')


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    accepted = refused = wrong = 0
    for path in sorted(p for folder in sys.argv[2:] for p in glob.glob(folder + "/*.yaml")):
        if os.path.getsize(path) > 100_000:  # PyYAML takes a minute
            continue
        errors = ""
        if os.path.exists(path[:-5] + ".errors"):
            with open(path[:-5] + ".errors", encoding="utf-8", errors="replace") as file:
                errors = file.read()
        try:
            with open(path, "rb") as file:
                plan = yaml.safe_load(file)
        except (yaml.YAMLError, UnicodeError, RecursionError):
            if not errors:
                print(f"{path}: PyYAML cannot read a good plan")
                wrong += 1
            continue
        faults = list(validator.iter_errors(plan))
        accepted += not errors and not faults
        refused += bool(errors and faults)
        if not errors and faults:
            print(f"{path}: is good, but: {faults[0].json_path}: {faults[0].message}")
            wrong += 1
        if errors and not faults and SEEN.search(errors) and not BLIND.search(errors):
            print(f"{path}: is accepted, but: {errors}")
            wrong += 1
    print(f"{accepted} accepted, {refused} refused, {wrong} wrong")
    sys.exit(wrong > 0 or accepted < 30 or refused < 80)


main()
