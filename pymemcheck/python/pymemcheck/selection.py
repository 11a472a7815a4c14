# SPDX-License-Identifier: GPL-2.0-or-later
"""What a table counts: sites, leak records, or what a leak search found in use, as far as filters let it through."""
from .filters import select_records, select_sites
from .grouping import Items, NotInFile


def select_items(profile, grouping, metric, group, filters, records=None):
    """Items for make_rows. records: the leak records to choose from, of metric "leaked". Raises NotInFile."""
    if metric == "leaked":
        return Items.of_records(profile, select_records(profile, grouping, filters, records), grouping)
    numbers = select_sites(profile, grouping, filters)
    if metric == "before":
        if profile.types_before is None:
            raise NotInFile("%s: what was in use before the interpreter's finalization is not known (--leak-scan=before or both)"
                            % profile.path)
        return Items.of_types(profile, profile.types_before, metric, grouping, numbers)
    if metric == "live" and group == "type" and not profile.snapshot:
        if profile.types is None:
            raise NotInFile("%s: types are not known, since there was no leak search at the end%s" % (
                profile.path, "; --before has those before finalization" if profile.types_before else ""))
        return Items.of_types(profile, profile.types, metric, grouping, numbers)
    return Items.of_sites(profile, grouping, numbers, (metric,))
