"""A vLLM server of our own: started, awaited, watched, restarted after a crash, and stopped with all its processes.

The same on CPU and GPU: what differs is which package is installed and a few settings.

    with VllmServer(Path("model"), ServerSettings(), log=Path("vllm.log")) as server:
        print(server.base_url)
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import httpx
from pydantic import Field
from tqdm import tqdm

from evaluators.launch import Launched
from evaluators.models.endpoint import EndpointSettings
from evaluators.models.sampling import SamplingError
from evaluators.ports import listens_below
from evaluators.progress import report_progress
from evaluators.records import Settings
from evaluators.stages.fields import HowItRuns

COMPLAINT = re.compile(r"(?:(?:\w+\.)*\w*(?:Error|Exception): |error: |Value error, ).+")
ECHO = re.compile(r"WARNING|initialization failed")
"""Lines of the processes that only say that another one has ended."""
OUT_OF_MEMORY = r"(?i)out of memory|no available memory|MemoryError"
REMEDIES = (
    (r"ddress already in use", "the port is in use: set server.port to 0 to take a free one"),
    (
        OUT_OF_MEMORY,
        "it ran out of memory: lower server.max_model_len, max_num_seqs, cpu_kv_cache_gib or gpu_memory_utilization",
    ),
    (r"unrecognized arguments|invalid choice|expected one argument", "correct server.extra_arguments"),
    (r"max_model_len|max_position_embeddings", "set server.max_model_len to at most what the model was made for"),
    (
        r"not recognize this architecture|architectures? .* not supported",
        "the installed vLLM does not know this model: install a newer one, or serve it elsewhere and give `endpoint`",
    ),
    (
        r"[Ss]afetensor|state_dict|size mismatch|shape",
        "the model's weights are damaged or not of its config.json: write or fetch them again",
    ),
    (r"[Tt]okenizer", "the model folder needs its tokenizer: copy the base model's tokenizer files into it"),
)
"""What to do about a server that cannot start, by what its log says; the first that fits."""
VLLM_LOG = "vllm.log.tmp"
"""The log beside what is made of the server's answers: there to be read after a failure; the store publishes no *.tmp."""
CPU_BLOCK = 32
POLL = 0.25  # seconds between looks at a server that starts


class ServerError(SamplingError):
    """The server cannot be started or has died for good; the message names the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message, final=True)


class ServerSettings(Settings):
    """How one model is served."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """`auto`: the model's own, but float32 on a CPU that emulates bfloat16."""
    max_model_len: int | None = Field(default=None, gt=0)
    """Tokens of prompt and answer together; None takes the model's own."""
    tensor_parallel: int = Field(default=1, ge=1)
    data_parallel: int = Field(default=1, ge=1)
    seed: int = 0
    max_num_seqs: int | None = Field(default=None, gt=0)
    """Sequences decoded at once; None leaves it to vLLM."""
    gpu_memory_utilization: HowItRuns[float] = Field(default=0.9, gt=0, le=1)  # vLLM's default
    cpu_kv_cache_gib: HowItRuns[int] = Field(default=1, ge=1)
    """Memory for keys and values on CPU; SmolLM2-135M needs 22.5 KiB a token in bfloat16: 46,000 tokens a GiB."""
    block_size: int | None = Field(default=None, gt=0)
    """Tokens in a block of the key-value cache: prompts share whole blocks of their common start, no less. None: 32 on
    CPU, the least of its kernels (vLLM's own 128 is longer than what many prompts have in common); vLLM's on GPU."""
    enforce_eager: bool | None = None
    """Skip compilation: starts faster, runs slower. None: yes on CPU (compiling takes minutes), no on GPU."""
    deterministic: bool = False
    """Ask for kernels whose result for one sequence does not depend on what else is decoded beside it, so that an
    evaluation which was killed and resumed gives the same text as one that was not. GPU: vLLM's batch-invariant mode.
    CPU: attention over undivided keys, beside oneDNN's matrix products, which measured the same in any batch but that
    of a single token; one sequence alone may still differ in its last bits."""
    start_timeout: HowItRuns[float] = Field(default=900.0, gt=0)  # ours: a 70B model from a cold disk
    restarts: HowItRuns[int] = Field(default=2, ge=0)
    """How often a server that died is started again before the evaluation gives up."""
    port: HowItRuns[int] = Field(default=0, ge=0, le=65535)
    """0 takes a free one."""
    extra_arguments: tuple[str, ...] = ()
    """More arguments of `vllm serve`, as typed."""
    environment: dict[str, str] = Field(default_factory=dict)
    endpoint: EndpointSettings = EndpointSettings(vllm_extensions=True)
    """Manners towards it: timeouts, attempts, `kind`. Its address and model name are filled in."""


class VllmServer:
    """A context manager around one server. `base_url` ends in `/v1`; `log` takes what it says, and stays.

    `follows_model`: what a request leaves open is as the model's generation_config.json has it; else nothing of that file
    counts but where an answer ends.
    """

    def __init__(self, model_dir: Path, settings: ServerSettings, *, log: Path, follows_model: bool = False) -> None:
        self.follows_model = follows_model
        self.model_dir = model_dir
        self.settings = _with_dtype(settings, model_dir)
        self.log = log
        self.restarted = 0
        self._port = settings.port
        self._running: Launched | None = None
        self._guard = threading.Lock()
        self._dead: str | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def pid(self) -> int:
        """The process above all of its own."""
        assert self._running is not None, "it was not started"
        return self._running.pid

    @property
    def endpoint(self) -> EndpointSettings:
        """How to speak to it."""
        return self.settings.endpoint.model_copy(
            update={"base_url": self.base_url, "model": self.model_dir.name, "vllm_extensions": True}
        )

    def __enter__(self) -> VllmServer:
        _must_be_servable(self.model_dir)
        if importlib.util.find_spec("vllm") is None:
            raise ServerError(
                "expected vLLM to be installed; it is not. pip install 'mathsieve[gpu]' (or [cpu]; see the Makefile), or "
                "give `endpoint` in the recipe: any OpenAI-compatible server will do."
            )
        self._port = _usable_port(self.settings.port)
        self.log.unlink(missing_ok=True)  # of an earlier run, whose complaints are not this one's
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.stop()

    def watch(self) -> EndpointSettings:
        """Start the server again if it has died, and tell how to speak to it now: a restart takes a fresh port.

        Raises ServerError when it has died too often. Safe from threads.
        """
        with self._guard:
            if self._dead is not None:
                raise ServerError(self._dead)
            assert self._running is not None, "watch() is for a server that was started"
            status = self._running.poll()
            if status is None and self._listens():
                return self.endpoint
            status = self._running.stop()  # what listens no more is ending, which takes a while, or hangs
            if self.restarted >= self.settings.restarts:
                self._dead = (
                    f"the vLLM server died {self.restarted + 1} times (exit status {status}); what was generated is kept and "
                    f"the same command goes on from there. The last lines of {self.log}:\n{self._running.log_tail()}"
                )
                raise ServerError(self._dead)
            self.restarted += 1
            self._port = _usable_port(
                self.settings.port
            )  # what was left of the old one may hold, or answer on, its port
            self._start()
            return self.endpoint

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=5.0).close()
        except OSError:
            return False
        return True

    def _start(self) -> None:
        self._running = Launched.start(self.command(), env=self.environment(), log=self.log)
        try:
            self._await_health(self._running)
        except BaseException:
            self._running.stop()
            raise

    def command(self) -> list[str]:
        """The command line that serves the model."""
        settings = self.settings
        arguments: dict[str, object] = {
            "model": self.model_dir.absolute(),
            "served-model-name": self.model_dir.name,
            "host": "127.0.0.1",
            "port": self._port,
            "dtype": settings.dtype,
            "seed": settings.seed,
            "generation-config": "auto" if self.follows_model else "vllm",
            "max-model-len": settings.max_model_len,
            "max-num-seqs": settings.max_num_seqs,
            "block-size": settings.block_size or (CPU_BLOCK if on_cpu() else None),
            "tensor-parallel-size": settings.tensor_parallel if settings.tensor_parallel > 1 else None,
            "data-parallel-size": settings.data_parallel if settings.data_parallel > 1 else None,
        }
        if not on_cpu():
            arguments["gpu-memory-utilization"] = settings.gpu_memory_utilization
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--disable-uvicorn-access-log"]
        command.append("--enable-prompt-tokens-details")  # how much of the prompts its prefix cache held
        for name, value in arguments.items():
            command += [] if value is None else [f"--{name}", str(value)]
        if settings.enforce_eager if settings.enforce_eager is not None else on_cpu():
            command.append("--enforce-eager")
        return [*command, *settings.extra_arguments]

    def environment(self) -> dict[str, str]:
        """Variables that it needs beyond ours."""
        ours = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        ours["VLLM_HOST_IP"] = "127.0.0.1"  # or its processes talk over an address that the network can reach
        if on_cpu():
            ours |= {"VLLM_CPU_KVCACHE_SPACE": str(self.settings.cpu_kv_cache_gib)}
        if self.settings.deterministic:
            ours |= deterministic_kernels(cpu=on_cpu())
        return ours | self.settings.environment

    def _await_health(self, running: Launched) -> None:
        deadline = time.monotonic() + self.settings.start_timeout
        url = f"http://127.0.0.1:{self._port}/health"
        with httpx.Client(trust_env=False, timeout=5.0) as client, self._waiting() as bar:
            while True:
                bar.update()
                status = running.poll()
                if status is not None:
                    raise ServerError(self._why_not(status, running.log_tail(400)))
                try:
                    if client.get(url).status_code == 200 and listens_below(running.pid, self._port) is not False:
                        return  # ours, not what somebody else's server says on this port
                except httpx.TransportError:
                    pass  # it does not listen yet
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"the vLLM server did not answer within {self.settings.start_timeout:.0f} s; raise "
                        f"server.start_timeout, or see {self.log}, which ends:\n{running.log_tail()}"
                    )
                time.sleep(POLL)

    def _waiting(self) -> tqdm[Any]:
        """A line with the seconds that have passed; how many it will take nobody knows."""
        return report_progress(desc=f"vLLM loads {self.model_dir.name}", bar_format="{desc}: {elapsed}", leave=False)

    def _why_not(self, status: int, log: str) -> str:
        """The sentences for a server that ended before it answered: its own complaint, what to do, where to read on."""
        complaint = server_complaint(log)
        said = f": {complaint}" if complaint else ""
        remedy = next(
            (words for mark, words in REMEDIES if re.search(mark, f"{complaint} {log[-6000:]}")), "see the log"
        )
        if status == -9 and remedy == "see the log":
            remedy = dict(REMEDIES)[OUT_OF_MEMORY]
        return f"the vLLM server ended with status {status} before it answered{said}\n{remedy} ({self.log})."


def server_complaint(log: str) -> str:
    """The error that a server of several processes ended by: the last line of its log that names one of its own."""
    lines = [line for line in log.splitlines() if COMPLAINT.search(line) and not ECHO.search(line)]
    return COMPLAINT.search(lines[-1]).group(0).strip()[:400] if lines else ""  # type: ignore[union-attr]


def deterministic_kernels(*, cpu: bool) -> dict[str, str]:
    """The variables by which vLLM's kernels do not depend on the batch."""
    return {"VLLM_CPU_ATTN_SPLIT_KV": "0"} if cpu else {"VLLM_BATCH_INVARIANT": "1"}


def model_hash(model_dir: Path) -> str:
    """SHA-256 (hex) over the files that decide what a model says: weights, configuration, tokenizer."""
    digests = {}
    for path in sorted(
        p for p in model_dir.iterdir() if p.suffix in (".safetensors", ".json", ".jinja", ".txt", ".model")
    ):
        if path.name == "manifest.json":  # of the store, not of the model
            continue
        with path.open("rb") as handle:
            digests[path.name] = hashlib.file_digest(handle, "sha256").hexdigest()
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def on_cpu() -> bool:
    """Whether the installed vLLM is the CPU build."""
    return _installed("vllm-cpu") or not (Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists())


def emulates_bfloat16(cpu_facts: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether vLLM would run on an x86 CPU without AVX-512, for which oneDNN has no bfloat16 kernels.

    On two cores with AVX2 it multiplied matrices at 46 GFLOPS in float32 and 1.2 in bfloat16, and SmolLM2-135M wrote 59 and 15
    tokens/s at 32 requests.
    """
    if not on_cpu():
        return False
    try:
        flags = re.search(r"^flags\s*:(.*)$", cpu_facts.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:  # no Linux
        return False
    return flags is not None and "avx512f" not in flags[1].split()


def _with_dtype(settings: ServerSettings, model_dir: Path) -> ServerSettings:
    """`auto` replaced where the model's own would be emulated; quantised weights know best."""
    quantised = "--quantization" in " ".join(settings.extra_arguments) or "quantization_config" in _configuration(
        model_dir
    )
    if settings.dtype != "auto" or quantised or not emulates_bfloat16():
        return settings
    return settings.model_copy(update={"dtype": "float32"})


def _configuration(model_dir: Path) -> str:
    path = model_dir / "config.json"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _installed(distribution: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _must_be_servable(model_dir: Path) -> None:
    missing = [] if (model_dir / "config.json").is_file() else ["config.json"]
    if not any(model_dir.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        found = sorted(p.name for p in model_dir.iterdir())[:12] if model_dir.is_dir() else "no such folder"
        raise ServerError(
            f"{model_dir}: expected a Hugging Face model folder; {' and '.join(missing)} missing, found "
            f"{found}. Give the folder that training wrote."
        )


def _usable_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise ServerError(
                f"port {wanted} is in use by another program. Set server.port to 0 to take a free one."
            ) from error
        port: int = probe.getsockname()[1]
        return port
