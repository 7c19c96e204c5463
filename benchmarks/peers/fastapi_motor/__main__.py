"""`python -m benchmarks.peers.fastapi_motor`: one worker under uvicorn, as for production."""

import uvicorn

from benchmarks.peers.fastapi_motor.app import create_app
from benchmarks.peers.fastapi_motor.settings import Settings

settings = Settings.from_environment()
uvicorn.run(
    create_app(settings),
    host="127.0.0.1",
    port=settings.port,
    loop="uvloop",
    http="httptools",
    access_log=False,
    log_level="warning",
)
