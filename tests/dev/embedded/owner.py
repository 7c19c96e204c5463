"""A stand-in for `grome run`, started by the tests as a process of its own: python owner.py HOME.

Stores a document and a key, starts a worker, prints the ids of all it started as a line of JSON, and waits.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from pymongo import MongoClient
from redis import Redis

from grome.dev.embedded import embedded_servers

with embedded_servers(Path(sys.argv[1])) as servers:
    mongo: MongoClient[dict[str, Any]] = MongoClient(servers.mongo_url)
    with mongo, Redis.from_url(str(servers.redis_url)) as redis:
        mongo.shop.bookings.insert_one({"_id": "kept"})
        redis.set("kept", "yes")
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:  # the reader of the line may interrupt as soon as it is out
        json.dump([child.pid for child in psutil.Process().children()], sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        time.sleep(60)
    finally:
        worker.kill()
        worker.wait()
