"""Twin of subgroup_lanes."""


def subgroup_lanes(size: int) -> int:
    """Return how many of a workgroup's 8 lanes fit a subgroup of `size`."""
    return min(size, 8)
