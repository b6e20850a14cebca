"""Can the harness fail, and does it raise false alarms?

planting          edits of a backend's source, made in memory and taken back
faults            mistakes that people make, as records, a module for each module of a backend
planted_faults    every fault planted in either backend: which verdict catches it
rewrite_records   harmless rewrites, as records, each with its reason
rewrites          every rewrite planted in either backend: no verdict may flag it
checks            which checks concern an edit
"""
