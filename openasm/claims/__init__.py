"""Medicare claims in one shape, whatever they were delivered in."""
