"""What does an officer act on? Cases of signals, their lifecycle, lines, clusters, the alert budget, floors and digests."""
