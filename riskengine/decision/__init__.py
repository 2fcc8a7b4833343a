"""Decision: what do policy, model and limits say of this applicant, and can that be said again tomorrow?"""
