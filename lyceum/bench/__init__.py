"""How fast is one computation compared with another, on a machine whose speed drifts?

alternate   candidates timed in turns, and the ratio of their times with a 95% interval
"""
