"""Another reader and writer of transit, transit-python2: reads each line of its input, and writes what it read."""

import sys
from io import StringIO

from transit.reader import Reader
from transit.writer import Writer

for line in sys.stdin:
    out = StringIO()
    Writer(out, "json").write(Reader("json").read(StringIO(line)))
    print(out.getvalue(), flush=True)
