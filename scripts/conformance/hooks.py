"""What a description cannot say: parameters that only go with one another, and how long to wait."""

import schemathesis

WAIT_MS_MAX = 500
# Of a watch, which has no end and is never asked for here.
OF_A_WATCH = ("watch", "cursor", "from", "values")
# Of each pair one may be given.
RIVALS = (("If-Match", "If-None-Match"), ("Replicator-Clock", "Replicator-Shift"))


@schemathesis.hook
def map_query(context, query):
    if not isinstance(query, dict):
        return query
    kept = {name: value for name, value in query.items() if name not in OF_A_WATCH}
    if isinstance(kept.get("wait"), int):
        kept["wait"] = min(kept["wait"], WAIT_MS_MAX)
    return kept


@schemathesis.hook
def map_headers(context, headers):
    if not isinstance(headers, dict):
        return headers
    dropped = [other for one, other in RIVALS if one in headers and other in headers]
    return {name: value for name, value in headers.items() if name not in dropped}
