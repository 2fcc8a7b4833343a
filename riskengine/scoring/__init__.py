"""What are the PD, the score, the grade and the reasons, given a verified bundle and a profile?"""
