"""The page *Worklist*: patients with open gaps, whose job each is, and what became of it; kept over runs, closed by them."""
