"""Store: what is known, since when, and under which number can it be read again?"""
