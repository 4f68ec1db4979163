"""Claims to episodes and cost scores; made-up claims; a watch on what practices' claims stop saying."""
