"""Portfolio: how much is at risk, and who bears which part of a loss?"""
