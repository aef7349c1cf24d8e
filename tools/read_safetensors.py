#!/usr/bin/env python3
"""Lists a safetensors file with nothing but Python's standard library: a second, independent reader of the format."""
import array
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length).decode("utf-8"))
    data = file.read()
sys.stdout.reconfigure(encoding="utf-8")
for key, text in sorted(header.pop("__metadata__", {}).items()):
    print(f"metadata {key} = {text}")
for name, entry in sorted(header.items()):
    begin, end = entry["data_offsets"]
    values = array.array({"F32": "f", "F64": "d", "I32": "i"}[entry["dtype"]], data[begin:end])
    print(f"{name} {entry['dtype']} {entry['shape']} sum {sum(values)}")
