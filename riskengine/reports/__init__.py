"""Reports: what does a person read?"""
