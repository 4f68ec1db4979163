"""The page *Clinician*: the score and where it comes from, cost among peers, payment and levers, the explanation, the scorecard."""
