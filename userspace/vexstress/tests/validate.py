#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""validate.py SCHEMA FILE [--lines]: JSON against its schema; says what is wrong.

validate.py --serve: answers questions, a line each, for Python is slow to start in a
lab: "valid SCHEMA FILE [--lines]" with "ok" or what is wrong, "value FILE EXPRESSION"
with what the expression makes of the JSON, which it knows as r.
"""

import json
import sys

import jsonschema


def wrong(schema, path, *lines):
    """What is wrong with the file, a line each."""
    with open(schema, encoding="utf-8") as f:
        validator = jsonschema.Draft7Validator(json.load(f))
    with open(path, encoding="utf-8") as f:
        text = f.read()
    values = [json.loads(l) for l in text.splitlines()] if lines else [json.loads(text)]
    errors = [e for v in values for e in validator.iter_errors(v)]
    found = [f"{'/'.join(map(str, e.path)) or '(top)'} {e.message[:200]}" for e in errors[:10]]
    return found if values else ["nothing in it"]


def answer(question):
    """One line to one line."""
    verb, rest = question.split(" ", 1)
    try:
        if verb == "valid":
            return "; ".join(wrong(*rest.split())) or "ok"
        path, expression = rest.split(" ", 1)
        with open(path, encoding="utf-8") as f:
            r = json.load(f)
        # a single line, whatever it is
        value = eval(expression, {"r": r})  # pylint: disable=eval-used
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    except Exception as e:  # pylint: disable=broad-except
        return f"{type(e).__name__}: {e}".replace("\n", " ")


if sys.argv[1] == "--serve":
    for line in sys.stdin:
        print(answer(line.rstrip("\n")), flush=True)
else:
    said = wrong(*sys.argv[1:])
    print("\n".join(said))
    sys.exit(bool(said))
