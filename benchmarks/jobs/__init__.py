"""Jobs: their latency, and the contract that they keep."""
