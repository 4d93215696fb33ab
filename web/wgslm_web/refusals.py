"""Says which HTTP status each error of ours has, and in which words an API answers it."""

from starlette.responses import JSONResponse

from wgslm.errors import (
    DeviceLostError,
    DriverError,
    GgufError,
    LimitError,
    NoAdapterError,
    RequestError,
    SourceError,
    TemplateError,
    UnsupportedError,
    WgslmError,
)

# status and code by class; the first that fits wins
_ANSWERS: tuple[tuple[type[WgslmError], int, str | None], ...] = (
    (RequestError, 400, None),
    (TemplateError, 400, "template_failed"),
    (GgufError, 422, "invalid_model_file"),
    (UnsupportedError, 422, "unsupported_model"),
    (LimitError, 422, "does_not_fit"),
    (SourceError, 502, "source_failed"),
    (NoAdapterError, 503, "no_adapter"),
    (DriverError, 503, "wrong_driver"),
    (DeviceLostError, 503, "device_lost"),
    (WgslmError, 500, None),
)


class Refusal(RequestError):
    """A request that the app answers with a status of its own instead of running it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Keep what the answer's status line, headers and body need."""
        super().__init__(message, param)
        self.status = status
        self.code = code
        self.headers = headers or {}


def refusal_of(error: Exception) -> Refusal:
    """Turn any error into the refusal that answers it; a bug of ours is named, not shown."""
    if isinstance(error, Refusal):
        return error
    param = error.param if isinstance(error, RequestError) else None
    for kind, status, code in _ANSWERS:
        if isinstance(error, kind):
            return Refusal(status, str(error), param=param, code=code)
    name = type(error).__name__
    return Refusal(500, f"internal error ({name}); the log of this host has the details")


def error_body(error: Exception) -> dict[str, object]:
    """Return the error as OpenAI's API writes it."""
    refusal = refusal_of(error)
    kind = "invalid_request_error" if refusal.status < 500 else "server_error"
    fields = {"message": str(refusal), "type": kind, "param": refusal.param, "code": refusal.code}
    return {"error": fields}


def error_response(error: Exception) -> JSONResponse:
    """Return the whole answer to a request that failed with `error`."""
    refusal = refusal_of(error)
    return JSONResponse(error_body(refusal), refusal.status, refusal.headers)
