"""A real Apache Kafka broker as a child process: one node, KRaft, loopback only."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import time
import uuid
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.local.cache import kafka_jars
from deploy.local.errors import PartFailed
from deploy.local.java import find_java
from deploy.local.ports import answers, free_ports
from deploy.local.processes import Child, Command

_START_TIMEOUT_S = 180.0
_POLL_S = 0.05
_PORT_TRIES = 3

# Settings beside addresses and folders. One node, so every internal topic has one replica; few
# partitions and small buffers keep the start short and fit a small heap; auto-creation is off
# because a misspelt topic must be an error. The broker session is short: after a kill the controller
# (same process) waits for it to run out before it lets the broker in again (10 s by default).
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=8388608
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""

_LOGGING = """\
status=warn
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %-5p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server
logger.server.level=info
logger.config.name=org.apache.kafka.common.config.AbstractConfig
logger.config.level=warn
logger.configs.name=kafka.server.KafkaConfig
logger.configs.level=warn
"""


class Heap(StrEnum):
    """How much the broker's Java may take: SMALL starts fast, MEASURING is for benchmarks."""

    SMALL = "small"
    MEASURING = "measuring"


_HEAP_FLAGS = {
    Heap.SMALL: ["-Xms192m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
    Heap.MEASURING: ["-Xms1g", "-Xmx1g", "-XX:+UseG1GC"],
}
_JAVA_FLAGS = ["-XX:ActiveProcessorCount=2", "-XX:-UsePerfData", "-Djava.awt.headless=true"]


class EmbeddedKafka:
    """A broker in *folder*. Its data and ports stay the same over `kill` and `restart`."""

    def __init__(self, folder: Path, *, heap: Heap = Heap.SMALL, log: Path | None = None) -> None:
        self._folder = folder
        self._heap = heap
        self._log = log or folder / "kafka.log"
        self._ports: list[int] = []
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """`host:port` of the broker."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def child(self) -> Child:
        """Return the process; raises PartFailed before the first start."""
        if self._child is None:
            raise PartFailed("kafka was never started")
        return self._child

    def segment(self, topic: str, partition: int = 0) -> Path:
        """Return the file of the first segment of *topic*, for faults that damage it."""
        return self._folder / "data" / f"{topic}-{partition}" / f"{0:020d}.log"

    async def start(self) -> None:
        """Format the folder if it is new, start, and wait until a metadata request is answered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        jars = await asyncio.to_thread(kafka_jars)
        java = await asyncio.to_thread(find_java)
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        for attempt in range(_PORT_TRIES):
            self._ports = free_ports(2)
            self._write_settings()
            await self._format(java, jars)
            self._spawn(java, jars)
            try:
                return await self._ready()
            except PartFailed:
                taken = "BindException" in self.child.log_tail()
                if not taken or attempt == _PORT_TRIES - 1:
                    raise
        return None

    def stop(self) -> None:
        """Stop cleanly: the log is flushed and closed."""
        if self._child is not None:
            self._child.stop(signal.SIGTERM, timeout_s=15)

    def remove(self) -> None:
        """Delete its folder; it must have stopped."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL, as when the machine's power fails for this process."""
        self.child.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self.child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self.child.send(signal.SIGCONT)

    async def restart(self) -> None:
        """Start again on the same ports and folder; a broker that still runs is stopped first."""
        self.child.stop(signal.SIGTERM, timeout_s=15)
        self.child.start()
        await self._ready()

    def _write_settings(self) -> None:
        broker, controller = (f"127.0.0.1:{port}" for port in self._ports)
        (self._folder / "server.properties").write_text(
            _SETTINGS
            + f"controller.quorum.bootstrap.servers={controller}\n"
            + f"listeners=PLAINTEXT://{broker},CONTROLLER://{controller}\n"
            + f"advertised.listeners=PLAINTEXT://{broker}\n"
            + f"log.dirs={self._folder / 'data'}\n"
        )

    async def _format(self, java: Path, jars: Path) -> None:
        if (self._folder / "data" / "meta.properties").exists():
            return
        arguments = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster_id()]
        flags = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        child = Child("kafka format", self._command(java, jars, flags, [*arguments, "-c"]))
        child.start()
        if not await asyncio.to_thread(child.wait, _START_TIMEOUT_S) or child.exit_code != 0:
            child.kill()
            raise child.failed("could not format its folder")

    def _spawn(self, java: Path, jars: Path) -> None:
        flags = _HEAP_FLAGS[self._heap] + _JAVA_FLAGS
        self._child = Child("kafka", self._command(java, jars, flags, ["kafka.Kafka"]))
        self._child.start()

    def _command(self, java: Path, jars: Path, flags: list[str], arguments: list[str]) -> Command:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        classes = ["-cp", f"{jars}/*"]
        settings = str(self._folder / "server.properties")
        return Command(
            argv=[str(java), *flags, logging, *classes, *arguments, settings],
            log=self._log,
            environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            folder=self._folder,
        )

    async def _ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not await answers_metadata(self.address):
            if not self.child.running:
                raise self.child.failed(f"ended with {self.child.exit_code}")
            if time.monotonic() > deadline:
                self.child.kill()
                raise self.child.failed(f"did not answer within {_START_TIMEOUT_S:.0f} s")
            await asyncio.sleep(_POLL_S)


async def answers_metadata(address: str) -> bool:
    """Say whether a broker at *address* answers a metadata request and knows itself by it."""
    host, _, port = address.rpartition(":")
    if not answers(host, int(port)):
        return False
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=2000)
    with suppress(KafkaError, OSError, TimeoutError):
        await client.bootstrap()
        try:
            return bool(client.cluster.brokers())
        finally:
            await client.close()
    return False


def _cluster_id() -> str:
    """Return a Kafka uuid: 22 characters of base64url that do not start with `-`."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
