#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""validate.py SCHEMA FILE [--lines]: JSON against its schema; says what is wrong."""

import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
validator = jsonschema.Draft7Validator(schema)
text = open(sys.argv[2], encoding="utf-8").read()
values = [json.loads(l) for l in text.splitlines()] if "--lines" in sys.argv else [json.loads(text)]
errors = [e for v in values for e in validator.iter_errors(v)]
for e in errors[:10]:
    print("/".join(map(str, e.path)) or "(top)", e.message[:200])
sys.exit(bool(errors) or not values)
