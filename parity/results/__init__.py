"""How is a result shown, and how is it written down? Nothing here imports another folder of `parity`.

verdict        one tensor of one variant against the oracle, and the sentence for a failure
localization   the result of every compared call, and the first divergence
records        the other record types: timings, overhead, audit rows, planted edits, costs
findings       all verdicts of a check, one sentence for each cause; raises ParityError for failures
console        the terminal, and an empty table in the common style
table          verdicts as a table: one row a case, one column a variant
environment    versions, processor, threads
saving         records to files of JSON lines and JUnit XML
parsing        one line of JSON back to its record
reading        files of JSON lines back to a `Run`
grouping       items by a key, cases by their layer
junit          a `Run` as JUnit XML
page/          a `Run` as one HTML page
"""
