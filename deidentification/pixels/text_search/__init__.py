"""The search for text in pictures: which frames and views, and what found text means for the patient."""
