"""A synthetic province: what would publishers send if enterprises lived and failed for reasons?"""
