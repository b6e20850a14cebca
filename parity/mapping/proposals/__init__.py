"""Names proposed for two modules that do not say how their parameters correspond; the user confirms them.

search     the rules that shapes, paths and values suggest: `propose`
fits       which layouts of one array have the shape of another
likeness   how much two paths have in common
joins      several arrays in one: fused projections
proposal   what is proposed, printed as rules to be pasted
"""
