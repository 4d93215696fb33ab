"""Normalisation."""

from wgslm.gpu import Program
from wgslm.kernels import STEP, Columns, Dispatch, Ref, fold
from wgslm.kernels.schedule import Schedule


def rmsnorm(
    x: Columns,
    gain: Ref,
    y: Ref,
    tokens: int,
    dim: int,
    eps: float,
    schedule: Schedule,
    *,
    last: bool = False,
) -> Dispatch:
    """y = x / sqrt(mean(x^2) + eps) * gain over runs of `dim` values, in y one after the other.

    With `last` only the step's last token: y is [1, dim].
    """
    per_token = x.count // dim
    return Dispatch(
        Program("rmsnorm", schedule.reduce.bound, constants=(("LAST", True),) if last else ()),
        {
            "dim": dim,
            "per_token": per_token,
            "stride": x.stride,
            "offset": x.offset,
            "eps": eps,
        },
        {"step": STEP, "x": x.ref, "gain": gain, "y": y},
        fold(1 if last else tokens * per_token),
    )


def layernorm(
    x: Ref,
    gain: Ref,
    bias: Ref,
    y: Ref,
    tokens: int,
    dim: int,
    eps: float,
    schedule: Schedule,
    *,
    last: bool = False,
) -> Dispatch:
    """y = (x - mean) / sqrt(var + eps) * gain + bias. x, y: f32 [tokens, dim]."""
    return Dispatch(
        Program("layernorm", schedule.reduce.bound, constants=(("LAST", True),) if last else ()),
        {"dim": dim, "eps": eps},
        {"step": STEP, "x": x, "gain": gain, "bias": bias, "y": y},
        fold(1 if last else tokens),
    )
