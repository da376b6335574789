"""Stand-ins for the protobuf messages the worker library is given and returns.

The library takes the module itself (`properties["protos"]`) and builds what it answers from
it. Every class refuses unknown fields, so a newer library that says more fails loudly
(functions.md 6.1).
"""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import ClassVar, Literal


@dataclass(kw_only=True, slots=True)
class RpcException:
    """A failure: `message` is "Type: text"."""

    message: str
    stack_trace: str = ""
    source: str = ""


@dataclass(kw_only=True, slots=True)
class StatusResult:
    """How a request ended."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    Cancelled: ClassVar[int] = 2
    status: int
    exception: RpcException | None = None


@dataclass(kw_only=True, slots=True)
class WorkerMetadata:
    """What the worker says about itself."""

    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class WorkerInitResponse:
    """The answer to the init request: capabilities, or why the app could not be indexed."""

    capabilities: Mapping[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass(kw_only=True, slots=True)
class BindingInfo:
    """Type, data type and direction of one binding."""

    inout: ClassVar[int] = 2
    out: ClassVar[int] = 1
    undefined: ClassVar[int] = 0
    string: ClassVar[int] = 1
    binary: ClassVar[int] = 2
    stream: ClassVar[int] = 3
    type: str
    data_type: int | None
    direction: int


@dataclass(kw_only=True, slots=True)
class RpcRetryOptions:
    """A function's retry policy; `retry_strategy` is fixed_delay or exponential_backoff."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: timedelta = timedelta(0)
    minimum_interval: timedelta = timedelta(0)
    maximum_interval: timedelta = timedelta(0)


@dataclass(kw_only=True, slots=True)
class RpcFunctionMetadata:
    """One indexed function; `raw_bindings` are JSON objects as text."""

    name: str
    function_id: str
    managed_dependency_enabled: bool
    directory: str
    script_file: str
    entry_point: str
    is_proxy: bool
    language: str
    bindings: Mapping[str, BindingInfo]
    raw_bindings: Sequence[str]
    retry_options: RpcRetryOptions | None
    properties: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class FunctionMetadataResponse:
    """All indexed functions; None when the app has no function_app.py."""

    use_default_metadata_indexing: bool
    function_metadata_results: Sequence[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass(kw_only=True, slots=True)
class FunctionLoadResponse:
    """The answer to a load request."""

    function_id: str
    result: StatusResult


@dataclass(kw_only=True, slots=True)
class NullableString:
    """A string that may be absent."""

    value: str


@dataclass(kw_only=True, slots=True)
class NullableBool:
    """A flag that may be absent."""

    value: bool


@dataclass(kw_only=True, slots=True)
class NullableDouble:
    """A number that may be absent."""

    value: float


@dataclass(kw_only=True, slots=True)
class Timestamp:
    """Seconds since 1970."""

    seconds: int


@dataclass(kw_only=True, slots=True)
class NullableTimestamp:
    """A time that may be absent."""

    value: Timestamp


# "None" cannot be written as a member of a class body.
SameSite = IntEnum("SameSite", {"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


@dataclass(kw_only=True, slots=True)
class RpcHttpCookie:
    """One Set-Cookie of an HTTP response; `max_age` in seconds."""

    SameSite: ClassVar = SameSite
    name: str
    value: str
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: int = 0
    max_age: NullableDouble | None = None


class TypedData:
    """A value that is exactly one of its kinds, or nothing at all."""

    _KINDS = frozenset({
        "string", "json", "bytes", "stream", "http", "int", "double", "collection_bytes",
        "collection_string", "collection_double", "collection_sint64", "model_binding_data",
        "collection_model_binding_data",
    })  # fmt: skip

    def __init__(self, **value: object) -> None:
        if len(value) > 1 or not value.keys() <= self._KINDS:
            raise TypeError(f"not one kind of typed data: {sorted(value)}")
        self.__dict__.update(value)

    def WhichOneof(self, group: Literal["data"]) -> str | None:  # noqa: N802  # protobuf's name
        """Return the kind that is set."""
        if group != "data":
            raise ValueError(group)
        return next(iter(self.__dict__), None)

    @property
    def content(self) -> object:
        """The value, whatever its kind; None when nothing is set."""
        return next(iter(self.__dict__.values()), None)


@dataclass(kw_only=True, slots=True)
class RpcHttp:
    """An HTTP request on its way in, or a response on its way out."""

    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    status_code: str = ""
    cookies: Sequence[RpcHttpCookie] | None = None
    enable_content_negotiation: bool = False


@dataclass(kw_only=True, slots=True)
class CollectionBytes:
    """Bodies of a batch."""

    bytes: Sequence[builtins.bytes]


@dataclass(kw_only=True, slots=True)
class CollectionString:
    """Strings of a batch."""

    string: Sequence[str]


@dataclass(kw_only=True, slots=True)
class CollectionSInt64:
    """Whole numbers of a batch."""

    sint64: Sequence[int]


@dataclass(kw_only=True, slots=True)
class ParameterBinding:
    """The value of one parameter."""

    name: str
    data: TypedData | None

    def WhichOneof(self, group: Literal["rpc_data"]) -> str:  # noqa: N802  # protobuf's name
        """Return "data": shared memory is not offered."""
        if group != "rpc_data":
            raise ValueError(group)
        return "data"


@dataclass(kw_only=True, slots=True)
class TraceContext:
    """W3C trace context."""

    trace_parent: str
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class RetryContext:
    """Which attempt of a retried invocation this is; 0 is the first."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException | None = None


@dataclass(kw_only=True, slots=True)
class InvocationRequest:
    """Everything one run of a function is given."""

    invocation_id: str
    function_id: str
    input_data: Sequence[ParameterBinding]
    trigger_metadata: Mapping[str, TypedData]
    trace_context: TraceContext
    retry_context: RetryContext


@dataclass(kw_only=True, slots=True)
class InvocationResponse:
    """How one run of a function ended."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: Sequence[ParameterBinding] = ()


@dataclass(kw_only=True, slots=True)
class InitRequest:
    """Asks the worker to index the app."""

    capabilities: Mapping[str, str]
    function_app_directory: str


@dataclass(kw_only=True, slots=True)
class LoadRequest:
    """Asks the worker to load one indexed function."""

    function_id: str
