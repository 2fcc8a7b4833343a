"""Intake: which rows does a publisher promise, which of them do we accept, and what became of the rest?"""
