"""What happens to bids, viewers and lots when something dies: real processes, real load, one fault at a time, counted from outside.

It changes nothing in the server and measures no throughput (benchmarks/ does). How it fits together:

    world     engines, a proxy before each engine for each node, and `liveserver serve` processes; a fault's hands are here
    crowd     bidders, viewers and an auctioneer, spread over the nodes, who remember what they were told
    faults/   one small file per group, one function per fault, each with its line in `FAULTS`
    drill     world + crowd + fault + audit: one `Outcome`
    audit     compares what people were told with the record, after all is well again

`python -m chaos [NAME…] [--short] [--write]`; docs/operating/faults.md holds what came out.
"""
