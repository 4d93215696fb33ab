"""Every error this package raises on purpose.

A message says what was wrong, the value, and what would be right; the page and the CLI show it
to the user as it is.
"""


class WgslmError(Exception):
    """Base class, so that a caller can catch everything of ours and nothing else."""


class RequestError(WgslmError):
    """A caller asked for something that does not exist or cannot be; `param` names the argument."""

    def __init__(self, message: str, param: str | None = None) -> None:
        """Keep `param` for the wire formats, which report it in a field of its own."""
        super().__init__(message)
        self.param = param


class SourceError(WgslmError):
    """Bytes could not be read: a missing file, a failing server, a wrong range."""


class GgufError(WgslmError):
    """A file is no GGUF, or a damaged or hostile one."""


class UnsupportedError(WgslmError):
    """A sound file asks for something that this version does not have."""


class TemplateError(WgslmError):
    """A chat template is malformed, refuses the conversation, or exceeds its bounds."""


class ShaderError(WgslmError):
    """A WGSL source is missing, malformed, or was refused by the compiler."""


class NoAdapterError(WgslmError):
    """This machine or browser offers no WebGPU adapter."""


class DriverError(WgslmError):
    """The adapter's driver computes wrongly, and nothing here can do without what is wrong."""


class LimitError(WgslmError):
    """The model or context needs more than the adapter allows or has free."""


class DeviceLostError(WgslmError):
    """The GPU went away or stopped answering; everything on it is gone."""
