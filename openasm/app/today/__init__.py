"""The page *Today*: what is due, which gaps close soon, what the newest run changed, what is wrong with the data."""
