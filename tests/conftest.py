"""Where the tests keep their files."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30

# Servers start and stop by the hundred, and each stop waits for the disk: on a busy one for seconds. What kill -9 leaves
# behind is the same in a file system in memory. TMPDIR says otherwise; without room there, it is the disk.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
