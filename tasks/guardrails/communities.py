"""Communities: groups of sites whose cells hand users to each other, of bounded size.

Sites that name each other's cells most often as neighbors join first, as long as their group does
not grow beyond the bound. The same inventory gives the same groups, in whatever order it comes.
"""

from collections.abc import Mapping, Sequence


def communities(
    site_of: Mapping[str, str], neighbors: Mapping[str, Sequence[str]], most_sites: int
) -> dict[str, str]:
    """Return the community of each cell, named after its first site.

    Args:
        site_of: each cell's site.
        neighbors: each cell's neighbors, as the inventory says; unknown ones are left out.
        most_sites: of a community.
    """
    shared: dict[tuple[str, str], int] = {}
    for dn, others in neighbors.items():
        for other in others:
            ends = sorted({site_of[end] for end in (dn, other) if end in site_of})
            if len(ends) == 2:
                pair = ends[0], ends[1]
                shared[pair] = shared.get(pair, 0) + 1
    members = {site: [site] for site in set(site_of.values())}
    for first, second in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        one, two = members[first], members[second]
        if one is not two and len(one) + len(two) <= most_sites:
            one.extend(two)
            for site in two:
                members[site] = one
    return {dn: min(members[site]) for dn, site in site_of.items()}
