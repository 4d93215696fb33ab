"""What a GGUF file says about a model: its metadata and where its weights lie.

Every check on untrusted bytes happens here, once; no weight is read.
"""

from wgslm.gguf.directory import Directory, TensorInfo, Value
from wgslm.gguf.read import read_directory

__all__ = ["Directory", "TensorInfo", "Value", "read_directory"]
