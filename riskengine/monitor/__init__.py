"""Monitor: which guarantees need a person's eyes tonight, why, and what has to be done by when?"""
