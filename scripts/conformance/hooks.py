"""What a description cannot say: parameters that only go with one another, how long to wait, and which log is there."""

import re

import schemathesis

WAIT_MS_MAX = 500
# Of a watch, which has no end and is never asked for here.
OF_A_WATCH = ("watch", "cursor", "from")
# Goes with a watch alone, but in lists of write-once keys.
VALUES = "values"
# The log that the peer has.
LOG = "kv"
NAME = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
# Of each pair one may be given.
RIVALS = (("If-Match", "If-None-Match"), ("Replicator-Clock", "Replicator-Shift"))


@schemathesis.hook
def map_query(context, query):
    if not isinstance(query, dict):
        return query
    kept = {name: value for name, value in query.items() if name not in OF_A_WATCH}
    if context.operation.path != "/store" or kept.get("count") not in (None, False):
        kept.pop(VALUES, None)
    if isinstance(kept.get("wait"), int):
        kept["wait"] = min(kept["wait"], WAIT_MS_MAX)
    return kept


@schemathesis.hook
def map_headers(context, headers):
    if not isinstance(headers, dict):
        return headers
    dropped = [other for one, other in RIVALS if one in headers and other in headers]
    return {name: value for name, value in headers.items() if name not in dropped}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # A log is born where peers offer a store for it: of other names there is none to be asked.
    is_of_logs = isinstance(path_parameters, dict) and context.operation.path.startswith("/logs/")
    if is_of_logs and NAME.match(str(path_parameters.get("name", ""))):
        return {**path_parameters, "name": LOG}
    return path_parameters
