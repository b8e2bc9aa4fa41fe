"""Uses a client that was generated from /openapi.json: keys, registers, sets, logs, lists and problems."""

import sys
from io import BytesIO

from replicator_client import Client
from replicator_client.api.default import (
    get_key,
    list_keys,
    list_logs,
    put_key,
    put_keys,
    put_register,
    read_log_status,
    read_register,
    read_set,
    read_status,
)
from replicator_client.models import Puts, PutsPutsItem
from replicator_client.types import File

client = Client(base_url=sys.argv[1])


def bytes_of(answer):
    return answer.parsed.payload.read()


assert read_status.sync(client=client).ready
stored = put_key.sync(key="python/a b", client=client, body=File(payload=BytesIO(b"value")), idempotency_key="one")
assert stored.size == 5 and stored.key == "python/a b", stored
assert bytes_of(get_key.sync_detailed(key="python/a b", client=client)) == b"value"
taken = put_key.sync_detailed(key="python/a b", client=client, body=File(payload=BytesIO(b"other")))
assert taken.status_code == 409 and taken.parsed.type_ == "urn:replicator:key-exists", taken
absent = get_key.sync_detailed(key="python/none", client=client)
assert absent.status_code == 404 and absent.parsed.type_ == "urn:replicator:unknown-key", absent
assert [row.key for row in list_keys.sync(client=client, prefix="python/").keys] == ["python/a b"]
many = Puts(puts=[PutsPutsItem(key="many/a", value="x"), PutsPutsItem(key="many/b", value_base_64="/w==")])
assert [put.status for put in put_keys.sync(client=client, body=many).puts] == [201, 201]
assert [row.value for row in list_keys.sync(client=client, prefix="many/a", values=True).keys] == ["x"]
assert list_keys.sync(client=client, prefix="many/", count=True).count == 2
assert [log.name for log in list_logs.sync(client=client).logs] == ["kv"]
assert read_log_status.sync(name="kv", client=client).commit >= 0
assert put_register.sync(key="python", client=client, body=File(payload=BytesIO(b"1"))).version == 1
assert put_register.sync(key="python", client=client, body=File(payload=BytesIO(b"2")), if_match='"1"').version == 2
assert bytes_of(read_register.sync_detailed(key="python", client=client)) == b"2"
# Of a body with two content types the generator writes no list: its own connection is used.
assert client.get_httpx_client().post("/sets/python/insert", json=["a", 1]).status_code == 200
assert read_set.sync_detailed(name="python", client=client).status_code == 200
print("python: all as it should be")
