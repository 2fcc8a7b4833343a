"""How is a model made from facts that were known, tested where it has not been, and refused when it cheats?"""
