"""Identity: which codes and names are valid, and which of them are the same enterprise?"""
