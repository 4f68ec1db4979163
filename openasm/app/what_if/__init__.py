"""The page *What-if*: levers, peers and unconfirmed values moved at will, answered at once from a published run."""
