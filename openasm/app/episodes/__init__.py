"""The page *Episodes*: what drives cost, outliers, one episode from first to last day, attributed patients."""
